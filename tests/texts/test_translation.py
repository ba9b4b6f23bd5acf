"""Translation: the service's own sentences change language, what others said stays."""

from __future__ import annotations

import pytest

from services84.errors import InvalidMember, InvalidValue, LoginRefused
from services84.texts.languages import LANGUAGES, Speech
from services84.texts.translation import translate

GERMAN, NORWEGIAN, ENGLISH = (Speech(code, code) for code in ("de", "no", "en"))
REFUSED = "login refused by imap.example.com:993: [AUTHENTICATIONFAILED] Nope."


def test_without_a_language_texts_and_resources_stay_as_they_are_kept() -> None:
    for text in (REFUSED, "[SR_KEPT_BY_SERVICE]", ""):
        assert translate(text, Speech()) == text


def test_what_is_not_ours_stays_in_every_language() -> None:
    for language in LANGUAGES:
        for text in ("Hello", "[SR_SOMEBODY_ELSES]", "imap.example.com: is nice", "{host} {x}"):
            assert translate(text, Speech(language, language)) == text


def test_a_sentence_is_translated_and_the_servers_words_are_kept() -> None:
    assert translate(REFUSED, GERMAN) == (
        "Anmeldung von imap.example.com:993 abgelehnt: [AUTHENTICATIONFAILED] Nope."
    )
    assert translate(REFUSED, ENGLISH) == REFUSED


def test_a_sentence_within_a_sentence_is_translated_too() -> None:
    text = f"not tried again for 840 seconds after: {REFUSED}"
    assert translate(text, NORWEGIAN) == (
        "prøves ikke igjen før om 840 sekunder, etter: "
        "innloggingen ble avvist av imap.example.com:993: [AUTHENTICATIONFAILED] Nope."
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            InvalidValue("EMailAccount/EMailAddress", "", "is required"),
            "EMailAccount/EMailAddress: '' wird gebraucht",
        ),
        (
            InvalidMember("Ids/int[2]", "it's", "is required"),
            'Ids/int[2]: "it\'s" wird gebraucht',
        ),
        (
            LoginRefused("imap.example.com:993 offers no CRAM-MD5"),
            "imap.example.com:993 bietet kein CRAM-MD5 an",
        ),
    ],
)
def test_what_stands_in_front_of_a_problem_stays(error: Exception, said: str) -> None:
    assert translate(str(error), GERMAN) == said


def test_amounts_are_written_as_the_speech_writes_them_and_ids_are_not() -> None:
    text = "mail.example.com takes messages of at most 10240000 bytes; this one has 52428800"
    assert "52,428,800" in translate(text, ENGLISH)
    assert "52.428.800" in translate(text, Speech("en", "de"))
    assert translate("no mail account 1234567", ENGLISH) == "no mail account 1234567"


def test_a_resource_becomes_its_text_in_the_callers_language() -> None:
    assert translate("[SR_KEPT_BY_SERVICE]", ENGLISH) == "kept by the service"
    assert translate("[SR_KEPT_BY_SERVICE]", Speech("nl", "nl")) == (
        "wordt door de dienst bijgehouden"
    )
