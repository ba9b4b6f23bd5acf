// Follows running syncs: fetches the parts of this page that change and puts them in place.
// Without this file the page shows how things were when it was loaded.
"use strict";

(() => {
  const here = new URL(location.href);
  const told = here.searchParams.get("say");
  if (told) { // said once; not again when the page is reloaded
    here.searchParams.delete("say");
    history.replaceState(null, "", here);
  }
  const followed = document.querySelector("[data-follow]");
  const announcer = document.getElementById("announcer");
  if (!followed || !followed.dataset.ids) return;
  const QUICK = 2000, SLOW = 15000, AFTER_ERROR = 30000; // milliseconds
  // A sync that was asked for begins soon, and may be over soon.
  const eager = told === "started" || told === "joined" ? performance.now() + SLOW : 0;
  const address = new URL(followed.dataset.follow, location.href);
  address.searchParams.set("view", followed.dataset.view);
  address.searchParams.set("ids", followed.dataset.ids);
  let timer = 0, asking = false;

  const place = (fresh) => {
    const there = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
    if (!there) return;
    if (fresh.dataset.say && fresh.dataset.say !== there.dataset.say) {
      there.dataset.say = fresh.dataset.say;
      if (announcer) announcer.textContent = fresh.dataset.say;
    }
    there.toggleAttribute("data-busy", fresh.hasAttribute("data-busy"));
    const open = there.querySelector("details[open]");
    if (there.innerHTML.trim() === fresh.innerHTML.trim()) return;
    if (there.contains(document.activeElement)) return; // whoever reads there is not disturbed
    there.replaceChildren(...fresh.childNodes);
    if (open) there.querySelector("details")?.setAttribute("open", "");
  };

  const busy = () => document.querySelector("[data-live][data-busy]") !== null;
  const pause = () => (busy() || performance.now() < eager ? QUICK : SLOW);

  // What a sync leaves behind: history and folders of a page of one account.
  const refresh = async () => {
    const parts = [...document.querySelectorAll("[data-after]")];
    if (!parts.length) return;
    const reply = await fetch(followed.dataset.page, { credentials: "same-origin", cache: "no-store" });
    if (!reply.ok) return;
    const parsed = new DOMParser().parseFromString(await reply.text(), "text/html");
    for (const part of parts) {
      const fresh = parsed.querySelector(`[data-after="${CSS.escape(part.dataset.after)}"]`);
      if (!fresh || part.contains(document.activeElement)) continue;
      const open = part.querySelector("details[open]");
      part.replaceChildren(...fresh.childNodes);
      if (open) part.querySelector("details")?.setAttribute("open", "");
    }
  };

  // What changes with the end of every sync.
  const success = () => document.querySelector("[data-ended]")?.dataset.ended;

  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    let next = AFTER_ERROR;
    try {
      const reply = await fetch(address, { credentials: "same-origin", cache: "no-store" });
      if (reply.status === 401) return location.reload();
      if (reply.ok) {
        const parsed = new DOMParser().parseFromString(await reply.text(), "text/html");
        const before = success();
        parsed.querySelectorAll("[data-live]").forEach(place);
        next = pause();
        if (success() !== before) await refresh();
      }
    } catch {
      // The network is away for a while; the next time may be better.
    } finally {
      asking = false;
    }
    clearTimeout(timer);
    timer = setTimeout(ask, next);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) ask();
  });
  timer = setTimeout(ask, pause());
})();
