"""What each detector of personal data finds, and what it leaves alone. All values are made up."""

import pytest

from legato.guardrails import scan

FOUND = [
    ("EMAIL_ADDRESS", "email='o'brien7@mail.example.co.uk'", "o'brien7@mail.example.co.uk"),
    ("EMAIL_ADDRESS", "请联系jo@example.cn谢谢", "jo@example.cn"),
    ("EMAIL_ADDRESS", "an jörg@münchen.example.", "jörg@münchen.example"),
    ("EMAIL_ADDRESS", "write to jo (at) example (dot) com", "jo (at) example (dot) com"),
    ("PHONE_NUMBER", "Customer +33 6 10 26 17 86 asked", "+33 6 10 26 17 86"),
    ("PHONE_NUMBER", "fax (978)645-9740x11144", "(978)645-9740x11144"),
    ("PHONE_NUMBER", "0044 20 7946 0958 rang", "0044 20 7946 0958"),
    ("PHONE_NUMBER", "Ruf mich an: 0171 5550123", "0171 5550123"),
    ("PHONE_NUMBER", "電話: 090-1234-5678", "090-1234-5678"),
    ("PHONE_NUMBER", "28-64-66-98 office", "28-64-66-98"),
    ("CREDIT_CARD", "charge 3530 1113 3330 0000 please", "3530 1113 3330 0000"),
    ("CREDIT_CARD", "Amex 378282246310005", "378282246310005"),
    ("CREDIT_CARD", "my card 4222222222222", "4222222222222"),
    ("CREDIT_CARD", "4111 1111 1111 1111 123 on the back", "4111 1111 1111 1111"),
    ("IBAN_CODE", "to DE89 3704 0044 0532 0130 00 today", "DE89 3704 0044 0532 0130 00"),
    ("IBAN_CODE", "iban=MT84MALT011000012345MTLCAST001S;", "MT84MALT011000012345MTLCAST001S"),
    ("US_SSN", "521-44-9382 is on file", "521-44-9382"),
    ("US_SSN", "social security 521 44 9382", "521 44 9382"),
    ("ID_NUMBER", "ITIN 912-70-1234", "912-70-1234"),
    ("ID_NUMBER", "NI: AB 12 34 56 C", "AB 12 34 56 C"),
    ("ID_NUMBER", "codice RSSMRA85T10A562S ok", "RSSMRA85T10A562S"),
    ("ID_NUMBER", "DNI 12345678Z", "12345678Z"),
    ("ID_NUMBER", "CPF 390.533.447-05", "390.533.447-05"),
    ("ID_NUMBER", "NRIC S1234567D", "S1234567D"),
    ("ID_NUMBER", "passport number LP5048339", "LP5048339"),
    ("ID_NUMBER", "driver's license Y820-9283-4432", "Y820-9283-4432"),
    ("ID_NUMBER", "Kennzeichen B-XY 123", "B-XY 123"),
    ("ID_NUMBER", "bank account number 3847283911", "3847283911"),
    ("IP_ADDRESS", "from 203.0.113.77 port 22", "203.0.113.77"),
    ("IP_ADDRESS", "http://[2001:db8::17]:8080/", "2001:db8::17"),
    ("IP_ADDRESS", "http://2001:db8:1:2:3:4:5:6:8080/x", "2001:db8:1:2:3:4:5:6"),
    ("MAC_ADDRESS", "eth0 00:1b:44:11:3a:b7 up", "00:1b:44:11:3a:b7"),
    ("DATE_OF_BIRTH", "DOB: 03/04/1990", "03/04/1990"),
    ("DATE_OF_BIRTH", "née le 3 janvier 1999", "3 janvier 1999"),
    (
        "CRYPTO_ADDRESS",
        "to 1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    ),
]


@pytest.mark.parametrize(("label", "text", "value"), FOUND)
def test_personal_data_is_found(label: str, text: str, value: str) -> None:
    assert (label, value) in [(one.label, text[one.start : one.end]) for one in scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:org/repo.git, lodash@4.17.21, image@2x.png, @john_doe",
        "Chrome/120.0.0.0, upgraded from 1.2.3.4 to 1.2.3.5",
        "netmask 255.255.255.0, loopback 127.0.0.1, network 10.0.0.0/8",
        "x[1::2], std::vector, ratio 3:2:1, at 12:34:56",
        "fingerprint da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09",
        "order 4111111111111112, tracking number 123456789012, EAN 4006381333931",
        "1200000 users, 1234567890 of 9876543210 rows at 1753159608383",
        "SSN 987-65-4321, 078-05-1120 and 900-00-1234",
        "version 2024.01.15, invoice 2024-000123-45, case 2023-CV-12345",
        "PAN 3000 camera, PID 4242 killed, DL 4500 kg, policy 7 of 2023",
        "wallet 1BoatSLRHtKNngkdXEeobR76b53LETtpyU",
        "released on 2024-05-01, born to run",
        "call http://127.0.0.1:8790/v1, phone home 2026.10.11549, is a digit in text '0123456789'",
    ],
)
def test_what_looks_like_it_is_left_alone(text: str) -> None:
    assert [(one.label, text[one.start : one.end]) for one in scan(text)] == []


@pytest.mark.parametrize(
    "text", ["_jane@example.org_", "_jane@example.org_,", "*jane@example.org*"]
)
def test_italics_hide_no_address(text: str) -> None:
    (one,) = scan(text)
    assert one.label == "EMAIL_ADDRESS"
    assert "jane@example.org" in text[one.start : one.end]


@pytest.mark.parametrize("sep", ["\t", "\n", "_", "/", ".", "+", "|", "-"])
def test_numbers_parted_by_signs_of_other_things_are_found(sep: str) -> None:
    card = sep.join(("4111", "1111", "1111", "1111"))
    iban = sep.join(("DE89", "3704", "0044", "0532", "0130", "00"))
    ssn = sep.join(("536", "90", "4399"))
    amex = sep.join(("3782", "822463", "10005"))
    for text, value in (
        (f"pay {card} now", card),
        (f"pay\n{amex}, now", amex),
        (f"to {iban}.", iban),
        (f"my SSN is {ssn}.", ssn),
    ):
        found = [text[one.start : one.end] for one in scan(text)]
        assert found == [value], text


@pytest.mark.parametrize(
    "text",
    [
        "4111\t1111\t1111\t1111\t1112",  # a row of more numbers
        "9\n4111\n1111\n1111\n1111",
        "4111/1111/1111/1111/2",
        "4111_1111\t1111_1111",
        "4111\t1111\t1111\t1112",
        "v4111/1111/1111/1111a",
        "536/90/4399",
        "2019\n2020\n2021\n2022",
        "12\n34\n56\n78",
        "415\t867\t5309",
    ],
)
def test_columns_and_paths_of_numbers_are_left_alone(text: str) -> None:
    assert scan(text) == []
