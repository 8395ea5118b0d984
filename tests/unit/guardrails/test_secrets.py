"""What each detector of secrets finds, and what it leaves alone. All values are made up."""

import random
import string

import pytest

from legato.guardrails import scan

_DRAWN = random.Random(11)
_ALPHABET = string.ascii_letters + string.digits


def _key(count: int, alphabet: str = _ALPHABET) -> str:
    """Made here, so that no scanner of repositories takes it for a real one."""
    return "".join(_DRAWN.choices(alphabet, k=count))


HEX = "0123456789abcdef"
KEYS = [
    ("openai", "sk-proj-" + _key(74)),
    ("anthropic", "sk-ant-api03-" + _key(93)),
    ("aws_access_key", "AKIA" + _key(16, string.ascii_uppercase)),
    ("google_api", "AIza" + _key(35)),
    ("github", "ghp_" + _key(36)),
    ("gitlab", "glpat-" + _key(20)),
    ("slack", f"xoxb-{_key(12, string.digits)}-{_key(12, string.digits)}-{_key(24)}"),
    ("stripe", "sk_live_" + _key(24)),
    ("sendgrid", f"SG.{_key(22)}.{_key(43)}"),
    ("mailchimp", _key(32, HEX) + "-us7"),
    ("huggingface", "hf_" + _key(34)),
    ("databricks", "dapi" + _key(32, HEX)),
    ("telegram_bot", f"{_key(10, '123456789')}:AA{_key(33)}"),
    ("vault", "hvs." + _key(24)),
    ("jwt", f"eyJ{_key(33)}.eyJ{_key(70)}.{_key(43)}"),
]


@pytest.mark.parametrize(("detector", "key"), KEYS)
@pytest.mark.parametrize("around", ["I pasted {} here.", 'x = "{}"', "?k={}&b=1", "{}"])
def test_keys_of_vendors_are_found_and_named(detector: str, key: str, around: str) -> None:
    text = around.format(key)
    found = [(one.label, one.detector, text[one.start : one.end]) for one in scan(text)]
    assert found == [("SECRET", detector, key)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DATABASE_URL=postgres://app:pW$Q/@x@db:5432/prod".replace("/@", "@"), "pW$Q@x"),
        ("redis://:s3cretpw@cache:6379/0", "s3cretpw"),
        ("PGPASSWORD=hunter2 psql", "hunter2"),
        ('"db_pass": "kGzOPJN81c"', "kGzOPJN81c"),
        ("<password>Tr0ub4dor&3</password>", "Tr0ub4dor&3"),
        ("My password is hunter2, help", "hunter2"),
        ("Passwort: Sommer!24", "Sommer!24"),
        ("密码\uff1aqwErty_99", "qwErty_99"),
        ("the password was changed to P@ssw0rd123.", "P@ssw0rd123"),
        ("mysql -u root -pS3cret!x shop", "S3cret!x"),
        ("curl -u admin:Zx9@GNNE https://x.test", "Zx9@GNNE"),
        ('get(url, auth=("svc", "I45yStdFnD6onp@S"))', "I45yStdFnD6onp@S"),
        ("aws_secret_access_key = " + _key(40, HEX), None),
        ("Authorization: Bearer " + _key(32), None),
        ("client_secret: '" + _key(32) + "'", None),
        ("Server=db;User Id=sa;Password=Zx9K1GNNE$;", "Zx9K1GNNE$"),
    ],
)
def test_what_a_name_gives_away_is_found(text: str, value: str | None) -> None:
    value = value or text.strip("'").rpartition(" ")[2].strip("'")
    assert ("SECRET", value) in [(one.label, text[one.start : one.end]) for one in scan(text)]


def test_a_private_key_is_found_whole_and_cut_off() -> None:
    body = "\n".join(_key(64) for _ in range(4))
    whole = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    assert [(one.start, one.end) for one in scan(f"a\n{whole}\nb")] == [(2, 2 + len(whole))]
    cut = whole[:200]
    assert [(one.start, one.end) for one in scan(cut)] == [(0, 200)]


def test_a_url_hides_its_password_and_names_its_user_apart() -> None:
    text = "git clone https://me:s3cret!pw@git.example.com/x"
    found = [(one.label, text[one.start : one.end]) for one in scan(text)]
    assert found == [("URL_CREDENTIALS", "me"), ("SECRET", "s3cret!pw")]


@pytest.mark.parametrize(
    "text",
    [
        "password: ********, password = os.environ['DB_PASSWORD'], password=${DB_PASSWORD}",
        "The password must have 12 characters; passwords are hashed with bcrypt2.",
        "Reset your password at https://example.com/reset, then log in",
        'api_key = "YOUR_API_KEY" and AKIAIOSFODNN7EXAMPLE',
        "max_tokens=4096, total_tokens: 20480, the token limit is 8192",
        "const token = getToken(user.id2); secretKeyRef: {name: db-creds, key: password}",
        "Bearer token authentication is required; Authorization: Bearer <token>",
        "sk-learn-pipeline-with-long-name, primary_key=True, keyboard: qwerty102",
        "trace 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "docker run --user 1000:1000 -p 8080:80 img, http://user@host/, redis://cache:6379/0",
        "COUNT_TOKENS = '/v1/messages/count_tokens', password_file: /run/secrets/db_1",
        "session id: 2f7c164c-8170-fbe7-d5d5-a48481450644",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert [(one.label, text[one.start : one.end]) for one in scan(text)] == []
