"""Letters of other scripts that look like Latin ones."""

from typing import Final

LOOKALIKES: Final = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХаеіјорсухѕһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρικıɡɑᴀᴄᴏᴠᴢ",
        "ABESIJKMHOPCTYXaeijopcyxshdqwABEZHIKMNOPTYXoavpikigaacovz",
        strict=True,
    )
)
"""The same to the eye, capitals to capitals."""
RESEMBLING: Final = dict(zip("бвгдёзкмнтцьӏβγεητυχωϲЗ|", "bbrde3kmhtublbyentuxwc3l", strict=True))
"""Near enough for who writes Latin words with them to hide these; small letters to small ones."""
