"""What a page has to fulfil for people who see, hear or steer it in their own ways (WCAG 2.2 AA).

A script for the browser, which gives the list of what is wrong. Names, landmarks, headings, tables
and contrasts are checked as they are computed; whether the words are good, people have to say.
"""

from __future__ import annotations

CHECKS = r"""
() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.getClientRects().length > 0 &&
    getComputedStyle(element).visibility !== 'hidden';
  const tell = (text, element) => wrong.push(`${text}: ${element ? element.outerHTML.slice(0, 120) : ''}`);
  const byIds = (ids) => (ids || '').split(/\s+/).filter(Boolean)
    .map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();

  if (!document.documentElement.lang) tell('no lang');
  if (!document.title.trim()) tell('no title');
  for (const name of ['header', 'main', 'footer'])
    if (all(name).length !== 1) tell(`not one ${name}`);
  if (all('h1').length !== 1) tell('not one h1');
  let level = 0;
  for (const heading of all('h1, h2, h3, h4')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) tell('a heading leaves out a level', heading);
    level = own;
  }
  const ids = all('[id]').map((element) => element.id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) tell(`id ${id} twice`);
  for (const field of all('input:not([type=hidden]), select, textarea'))
    if (![...(field.labels ?? [])].some((label) => label.textContent.trim()) &&
        !field.getAttribute('aria-label')) tell('a field has no label', field);
  for (const link of all('a, button'))
    if (!link.textContent.trim() && !link.getAttribute('aria-label')) tell('a link or button has no name', link);
  for (const drawing of all('svg')) {
    const named = byIds(drawing.getAttribute('aria-labelledby'));
    if (drawing.getAttribute('aria-hidden') !== 'true' && !(drawing.getAttribute('role') === 'img' && named))
      tell('an svg has no text', drawing);
  }
  for (const meter of all('progress'))
    if (!meter.getAttribute('aria-label')) tell('a progress has no label', meter);
  for (const table of all('table')) {
    if (!table.caption?.textContent.trim()) tell('a table has no caption', table);
    for (const head of table.querySelectorAll('th')) if (!head.scope) tell('a th has no scope', head);
    if (!table.querySelector('thead th')) tell('a table has no head', table);
  }
  for (const named of all('[aria-labelledby]'))
    if (!byIds(named.getAttribute('aria-labelledby'))) tell('aria-labelledby names nothing', named);
  for (const section of all('section, nav'))
    if (!section.getAttribute('aria-label') && !section.getAttribute('aria-labelledby'))
      tell('a region has no name', section);
  for (const target of all('button, input:not([type=hidden]), select').filter(shown)) {
    const box = target.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) tell('a target is smaller than 24 pixels', target);
  }
  const first = document.querySelector('a, button, input');
  if (first?.getAttribute('href') !== `#${document.querySelector('main')?.id}`) tell('no skip link');

  const colour = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(colour(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element)) continue;
    if (element.closest('svg, script, noscript, option, .visually-hidden, [aria-hidden=true], .skip')) continue;
    const below = ground(element);
    const [a, b] = [light(over(colour(getComputedStyle(element).color), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) tell(`contrast ${ratio.toFixed(2)}`, element);
  }
  return wrong;
}
"""
