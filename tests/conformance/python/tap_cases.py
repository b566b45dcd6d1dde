"""tap-salesforce (Singer): discovery, full and incremental reads of Contact by REST and by the first Bulk API.

The tap takes nothing but a refresh token, and its login host is fixed in its code: an HTTPS proxy with a
private certificate authority leads it to the emulated organisation. What it writes is compared with what
the organisation itself was told to hold.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cases import case, environment, equal, is_true

ORG = environment("ORG_URL")
FOLDER = Path(tempfile.mkdtemp(prefix="conformance-tap-"))


class StayHere(HTTPRedirectHandler):
    """Redirects are answers like any other."""

    def redirect_request(self, *_args, **_kwargs):
        return None


class Browser:
    """A browser of few words: follows a login and an approval page by their forms alone."""

    def __init__(self):
        self.cookies = {}
        self.opener = build_opener(StayHere())

    def send(self, address, fields=None):
        """The answer's address to go to, if any, and its page."""
        data = urlencode(fields).encode() if fields is not None else None
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            answer = self.opener.open(Request(address, data=data, headers={"Cookie": cookies}))
        except HTTPError as error:
            if error.code not in (301, 302, 303, 307):
                raise AssertionError(f"the page answered {error.code}: {error.read()[:200]}") from error
            answer = error
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        location = answer.headers.get("Location")
        return (urljoin(address, location) if location else None), answer.read().decode()

    def authorize(self, address, callback):
        """Logs in and allows; answers the parameters the callback gets."""
        location, page = self.send(address)
        for _ in range(6):
            if location and location.startswith(callback):
                return parse_qs(urlsplit(location).query)
            if location:
                address = location
                location, page = self.send(address)
            else:
                address, fields = filled(page, address)
                location, page = self.send(address, fields)
        raise AssertionError("the pages never lead back to the callback")


def filled(page, address):
    """A page's form, filled in as the administrator would."""
    form = re.search(r"<form\b([^>]*)>(.*?)</form>", page, re.S | re.I)
    is_true(form, page[:200])
    fields = {}
    for tag in re.findall(r"<(?:input|button)\b([^>]*)>", form[2], re.I):
        attributes = {name.lower(): unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        name, kind, value = (attributes.get(key, "") for key in ("name", "type", "value"))
        if not name or re.search("deny|cancel", value + name, re.I) and kind == "submit":
            continue
        if kind == "password":
            value = environment("ORG_PASSWORD")
        elif re.fullmatch("un|username|user|login", name, re.I):
            value = environment("ORG_ADMIN")
        fields.setdefault(name, value)
    action = re.search(r'action="([^"]*)"', form[1])
    return urljoin(address, unescape(action[1]) if action else address), fields


def post(path, fields=None, token=None, body=None):
    """JSON from the organisation."""
    headers = {"Content-Type": "application/json" if body is not None else "application/x-www-form-urlencoded"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else urlencode(fields).encode()
    with build_opener().open(Request(ORG + path, data=data, headers=headers, method="POST")) as answer:
        return json.load(answer)


@case("preparation: a refresh token by the web server flow")
def grant():
    verifier = "conformance-" + "v" * 40
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": environment("WEB_CONSUMER_KEY"),
        "redirect_uri": environment("WEB_CALLBACK"),
        "scope": "api refresh_token",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = f"{ORG}/services/oauth2/authorize?{urlencode(query)}"
    answer = Browser().authorize(address, environment("WEB_CALLBACK"))
    return post("/services/oauth2/token", {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "client_id": environment("WEB_CONSUMER_KEY"),
        "client_secret": environment("WEB_CONSUMER_SECRET"),
        "redirect_uri": environment("WEB_CALLBACK"),
        "code_verifier": verifier,
    })


def write(name, content):
    path = FOLDER / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


CONFIG = FOLDER / "config.json"
if grant:
    write("config.json", {
        "client_id": environment("WEB_CONSUMER_KEY"),
        "client_secret": environment("WEB_CONSUMER_SECRET"),
        "refresh_token": grant["refresh_token"],
        "start_date": "2000-01-01T00:00:00Z",
        "api_type": "REST",
        "select_fields_by_default": True,
    })


def tap(*arguments):
    """Runs the tap, answers its standard output."""
    surroundings = {key: value for key, value in os.environ.items() if key.lower() != "no_proxy"}
    surroundings["HTTPS_PROXY"] = f"http://127.0.0.1:{environment('PROXY_PORT')}"
    surroundings["REQUESTS_CA_BUNDLE"] = environment("CA_CERTIFICATE")
    command = [environment("TAP_BINARY"), "--config", str(CONFIG), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=surroundings, check=False)
    print(done.stderr, file=sys.stderr, flush=True)
    if done.returncode != 0:
        cause = [line for line in done.stderr.splitlines() if line.startswith("CRITICAL")] or done.stderr.splitlines()
        raise AssertionError(f"exit code {done.returncode}: {cause[0] if cause else 'no word'}")
    return done.stdout


def messages(output, kind):
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [message for message in found if message["type"] == kind]


def use_api(api_type):
    CONFIG.write_text(json.dumps({**json.loads(CONFIG.read_text()), "api_type": api_type}))


def held(where=""):
    """Ids and times of the contacts the organisation holds."""
    token = post("/services/oauth2/token", {
        "grant_type": "refresh_token",
        "refresh_token": json.loads(CONFIG.read_text())["refresh_token"],
        "client_id": environment("WEB_CONSUMER_KEY"),
        "client_secret": environment("WEB_CONSUMER_SECRET"),
    })
    # A rotated token is handed on, or the tap's next login would revoke the grant.
    if "refresh_token" in token:
        CONFIG.write_text(json.dumps({**json.loads(CONFIG.read_text()), "refresh_token": token["refresh_token"]}))
    address = f"{ORG}/services/data/v68.0/query?{urlencode({'q': f'SELECT Id FROM Contact {where}'})}"
    with build_opener().open(Request(address, headers={"Authorization": f"Bearer {token['access_token']}"})) as answer:
        return token["access_token"], {row["Id"] for row in json.load(answer)["records"]}


def catalog(method):
    """A catalog that selects Contact alone, to be replicated by this method."""
    stream = json.loads(json.dumps(contact))
    root = next(entry["metadata"] for entry in stream["metadata"] if entry["breadcrumb"] == [])
    root.update({"selected": True, "replication-method": method})
    if method == "INCREMENTAL":
        root["replication-key"] = "SystemModstamp"
    return write("catalog.json", {"streams": [stream]})


def bookmark(state):
    return state["bookmarks"]["Contact"]["SystemModstamp"]


def full_read():
    """Reads Contact whole and compares it with what the organisation holds."""
    output = tap("--properties", catalog("FULL_TABLE"))
    _, ids = held()
    got = [message["record"]["Id"] for message in messages(output, "RECORD")]
    equal(sorted(got), sorted(ids))
    is_true(len(ids) > 50, len(ids))
    names = {message["record"]["LastName"] for message in messages(output, "RECORD")}
    is_true(None not in names and "" not in names, names)


def create(*last_names):
    """Makes contacts seconds after everything there is; answers their ids and how many there were."""
    # The tap lets no bookmark pass its own clock, so the organisation's cannot run ahead; times are whole seconds.
    time.sleep(1.5)
    token, before = held()
    rows = [{"attributes": {"type": "Contact"}, "LastName": name} for name in last_names]
    answer = post("/services/data/v68.0/composite/sobjects", token=token, body={"records": rows})
    return {result["id"] for result in answer}, len(before)


def first_incremental_read():
    """Reads Contact from the start date on; answers the state to go on with."""
    # The bookmark is the latest time of all: one contact alone shall carry it.
    create("Latest")
    output = tap("--properties", catalog("INCREMENTAL"))
    _, ids = held()
    equal({message["record"]["Id"] for message in messages(output, "RECORD")}, ids)
    return messages(output, "STATE")[-1]["value"]


def next_incremental_read(state):
    """Reads what was made since, and the one contact that carries the bookmark's very time."""
    made, before = create("Incremental 1", "Incremental 2", "Incremental 3")
    is_true(before > 50, before)
    output = tap("--properties", catalog("INCREMENTAL"), "--state", write("state.json", state))
    names = sorted(message["record"]["LastName"] for message in messages(output, "RECORD"))
    equal(names, ["Incremental 1", "Incremental 2", "Incremental 3", "Latest"])
    equal(len(made), 3)
    return messages(output, "STATE")[-1]["value"]


@case("discover: Contact with its fields, keys and replication key")
def contact():
    streams = {stream["tap_stream_id"]: stream for stream in json.loads(tap("--discover"))["streams"]}
    found = streams["Contact"]
    root = next(entry["metadata"] for entry in found["metadata"] if entry["breadcrumb"] == [])
    equal(root["table-key-properties"], ["Id"])
    equal(root["valid-replication-keys"], ["SystemModstamp"])
    is_true({"LastName", "Email", "MailingAddress", "Partner_Id__c"} <= set(found["schema"]["properties"]), found)
    return found


@case("discover: the rotated refresh token is written back")
def _():
    is_true(json.loads(CONFIG.read_text())["refresh_token"] != grant["refresh_token"], "the token is as before")


@case("REST: a full read of Contact")
def _():
    full_read()


@case("REST: the first incremental read of Contact")
def rest_state():
    return first_incremental_read()


@case("REST: an incremental read of Contact")
def rest_later():
    later = next_incremental_read(rest_state)
    is_true(bookmark(later) > bookmark(rest_state), later)
    return later


@case("REST: an incremental read with nothing new moves no bookmark back")
def _():
    output = tap("--properties", catalog("INCREMENTAL"), "--state", write("state.json", rest_later))
    later = messages(output, "STATE")[-1]["value"]
    is_true(bookmark(later) >= bookmark(rest_later), later)


@case("discover: with Bulk, compound fields are unsupported")
def contact():
    use_api("BULK")
    streams = {stream["tap_stream_id"]: stream for stream in json.loads(tap("--discover"))["streams"]}
    found = streams["Contact"]
    compound = next(entry for entry in found["metadata"] if entry["breadcrumb"] == ["properties", "MailingAddress"])
    equal(compound["metadata"]["inclusion"], "unsupported")
    return found


@case("Bulk: a full read of Contact")
def _():
    full_read()


@case("Bulk: the first incremental read of Contact")
def bulk_state():
    return first_incremental_read()


@case("Bulk: an incremental read of Contact")
def _():
    later = next_incremental_read(bulk_state)
    is_true(bookmark(later) > bookmark(bulk_state), later)
