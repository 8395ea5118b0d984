"""A language is told by script and small words, and not told where there is too little."""

import pytest

from legato.guardrails.outputs.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel was sent on Monday and will arrive with the next delivery.", "en"),
        ("Das Paket wurde am Montag verschickt und kommt mit der nächsten Lieferung.", "de"),
        ("Le colis a été envoyé lundi et arrivera avec la prochaine livraison.", "fr"),
        ("El paquete se envió el lunes y llegará con la próxima entrega.", "es"),
        ("Il pacco è stato spedito lunedì e arriverà con la prossima consegna della ditta.", "it"),
        ("O pacote foi enviado na segunda-feira e não chegou com a última entrega.", "pt"),
        ("Het pakket is maandag verzonden en komt met de volgende levering aan.", "nl"),
        ("Paketet skickades i måndags och kommer att levereras med nästa bil från oss.", "sv"),
        ("Paczka została wysłana w poniedziałek i nie jest jeszcze na miejscu, ale będzie.", "pl"),
        ("Посылка была отправлена в понедельник и уже прибыла.", "ru"),
        ("Посилка була відправлена у понеділок і вже прибула.", "uk"),  # noqa: RUF001
        ("荷物は月曜日に発送され、次の便で届きます。", "ja"),
        ("包裹已于星期一寄出，将随下一批货物送达。", "zh"),  # noqa: RUF001
        ("소포는 월요일에 발송되었으며 다음 배송편으로 도착합니다.", "ko"),
        ("تم إرسال الطرد يوم الاثنين وسيصل مع التسليم التالي.", "ar"),
        ("Το δέμα στάλθηκε τη Δευτέρα και θα φτάσει σύντομα.", "el"),  # noqa: RUF001
    ],
)
def test_prose_has_a_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    ["", "OK", "42", "Yes, sure!", "`the code of and to` x = 1", '{"a": 1, "b": [2, 3]}',
     "https://example.org/the/of/and/to/in/is", "foo bar baz qux quux corge grault"],
)  # fmt: skip
def test_too_little_has_none(text: str) -> None:
    assert language_of(text) == ""
