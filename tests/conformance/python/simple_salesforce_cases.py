"""simple-salesforce over TLS with a private certificate authority.

Its login hosts are fixed in its code (https://login.salesforce.com), so an HTTPS proxy leads it to the
emulated organisation. What is expected comes from the Salesforce guides.
"""

import csv
import io
import os
import tempfile
from datetime import datetime, timedelta, timezone

from cases import case, emulator, environment, equal, is_true, raises
from simple_salesforce import Salesforce, SFType, format_soql
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.util import Usage

for variable in ("NO_PROXY", "no_proxy"):
    os.environ.pop(variable, None)
os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = f"http://127.0.0.1:{environment('PROXY_PORT')}"
os.environ["REQUESTS_CA_BUNDLE"] = environment("CA_CERTIFICATE")
ADMIN = environment("ORG_ADMIN")
VERSION = "68.0"


def log_in(**changes):
    """A session by the JWT bearer flow, by the library's own means."""
    settings = {
        "username": ADMIN,
        "consumer_key": environment("JWT_CONSUMER_KEY"),
        "privatekey_file": environment("JWT_PRIVATE_KEY"),
        "version": VERSION,
    }
    return Salesforce(**{**settings, **changes})


def names(records, field="LastName"):
    return [record[field] for record in records]


@case("login: JWT bearer through login.salesforce.com")
def sf():
    session = log_in()
    equal(session.auth_type, "jwt-bearer")
    is_true(session.session_id.startswith("00D"), session.session_id)
    return session


@case("login: an unknown user is refused")
def _():
    error = raises(SalesforceAuthenticationFailed, lambda: log_in(username="nobody@northwind.example"))
    equal(error.code, "invalid_grant")
    is_true("user hasn't approved this consumer" in str(error), str(error))


@case("login: a session id and an instance address, TLS at once")
def _():
    address = f"https://localhost:{environment('TLS_PORT')}"
    proxies = {"https": None}
    session = Salesforce(instance_url=address, session_id=sf.session_id, version=VERSION, proxies=proxies)
    session.session.trust_env = False
    session.session.verify = environment("CA_CERTIFICATE")
    equal(session.query("SELECT Id FROM User LIMIT 1")["totalSize"], 1)


@case("is_sandbox")
def _():
    equal(sf.is_sandbox(), False)


@case("describe: all objects")
def _():
    objects = {found["name"]: found for found in sf.describe()["sobjects"]}
    equal(objects["Contact"]["keyPrefix"], "003")


@case("describe: one object")
def _():
    fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
    equal(fields["AccountId"]["referenceTo"], ["Account"])
    equal(fields["Partner_Id__c"]["externalId"], True)
    equal(fields["LastName"]["length"], 80)


@case("metadata: basic information of an object")
def _():
    equal(sf.Account.metadata()["objectDescribe"]["name"], "Account")


@case("limits")
def _():
    limits = sf.limits()
    is_true(limits["DailyApiRequests"]["Remaining"] <= limits["DailyApiRequests"]["Max"], limits)


@case("api_usage: read from the answer header")
def _():
    sf.query("SELECT Id FROM User LIMIT 1")
    usage = sf.api_usage["api-usage"]
    is_true(isinstance(usage, Usage) and 0 < usage.used <= usage.total, usage)


@case("create")
def contact():
    result = sf.Contact.create({"LastName": "Schäfer", "Email": "schaefer@tls.example"})
    equal(result["success"], True)
    equal(result["errors"], [])
    return result["id"]


@case("get: all fields")
def _():
    record = sf.Contact.get(contact)
    equal((record["LastName"], record["Email"]), ("Schäfer", "schaefer@tls.example"))


@case("update")
def _():
    equal(sf.Contact.update(contact, {"Title": "Director"}), 204)
    equal(sf.Contact.get(contact)["Title"], "Director")


@case("create: a missing required field")
def _():
    error = raises(SalesforceMalformedRequest, lambda: sf.Contact.create({"FirstName": "Nameless"}))
    equal(error.status, 400)
    equal(error.content[0]["errorCode"], "REQUIRED_FIELD_MISSING")
    equal(error.content[0]["fields"], ["LastName"])


@case("upsert: creates, then updates")
def _():
    equal(sf.Contact.upsert("Partner_Id__c/S-1", {"LastName": "Upserted"}), 201)
    equal(sf.Contact.upsert("Partner_Id__c/S-1", {"LastName": "Upserted again"}), 200)


@case("get_by_custom_id")
def _():
    equal(sf.Contact.get_by_custom_id("Partner_Id__c", "S-1")["LastName"], "Upserted again")


@case("get: an unknown id")
def _():
    error = raises(SalesforceResourceNotFound, lambda: sf.Contact.get("003000000000000AAA"))
    equal(error.content[0]["errorCode"], "NOT_FOUND")


@case("delete")
def _():
    created = sf.Lead.create({"LastName": "Gone", "Company": "Gone"})["id"]
    equal(sf.Lead.delete(created), 204)
    raises(SalesforceResourceNotFound, lambda: sf.Lead.get(created))


@case("bulk2: insert")
def bulk_ids():
    rows = [{"LastName": f"Zeile {row}", "Company": 'Bulk "2", TLS'} for row in range(2500)]
    answers = sf.bulk2.Lead.insert(records=rows, wait=0.2)
    equal(sum(answer["numberRecordsProcessed"] for answer in answers), 2500)
    equal(sum(answer["numberRecordsFailed"] for answer in answers), 0)
    created = sf.bulk2.Lead.get_successful_records(answers[0]["job_id"])
    return [row["sf__Id"] for row in csv.DictReader(io.StringIO(created))]


@case("query_all_iter: pages of 2,000 are followed")
def _():
    found = list(sf.query_all_iter("SELECT Id, LastName FROM Lead WHERE Company = 'Bulk \"2\", TLS'"))
    equal(sorted(names(found, "Id")), sorted(bulk_ids))


@case("query_all")
def _():
    answer = sf.query_all("SELECT Id FROM Lead")
    equal(len(answer["records"]), answer["totalSize"])
    equal(answer["done"], True)


@case("query_more: by locator and by address")
def _():
    page = sf.query("SELECT Id FROM Lead")
    equal((page["done"], len(page["records"])), (False, 2000))
    by_address = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    by_locator = sf.query_more(page["nextRecordsUrl"].rsplit("/", 1)[1])
    equal(names(by_locator["records"], "Id"), names(by_address["records"], "Id"))


@case("query: with deleted records")
def _():
    soql = "SELECT Id FROM Lead WHERE LastName = 'Gone'"
    equal(sf.query(soql)["totalSize"], 0)
    equal(sf.query(soql, include_deleted=True)["totalSize"], 1)


@case("query: values are quoted by format_soql")
def _():
    sf.Account.create({"Name": "O'Neill \\ \"Söhne\""})
    soql = format_soql("SELECT Name FROM Account WHERE Name = {} AND Name LIKE '{:like}%'", "O'Neill \\ \"Söhne\"", "O'N")
    equal(names(sf.query(soql)["records"], "Name"), ["O'Neill \\ \"Söhne\""])


@case("query: parents and children")
def _():
    account = sf.Account.create({"Name": "Parent TLS"})["id"]
    sf.Contact.create({"LastName": "Child TLS", "AccountId": account})
    soql = format_soql("SELECT Account.Name FROM Contact WHERE AccountId = {}", account)
    equal(sf.query(soql)["records"][0]["Account"]["Name"], "Parent TLS")
    soql = format_soql("SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Id = {}", account)
    equal(names(sf.query(soql)["records"][0]["Contacts"]["records"]), ["Child TLS"])


@case("query: a malformed query")
def _():
    error = raises(SalesforceMalformedRequest, lambda: sf.query("SELECT FROM"))
    equal(error.content[0]["errorCode"], "MALFORMED_QUERY")


@case("bulk2: query")
def _():
    pages = list(sf.bulk2.Lead.query("SELECT Id, LastName FROM Lead WHERE Company = 'Bulk \"2\", TLS'", max_records=1000, wait=0.2))
    equal(len(pages), 3)
    found = [row["Id"] for page in pages for row in csv.DictReader(io.StringIO(page))]
    equal(sorted(found), sorted(bulk_ids))


@case("bulk2: download to files")
def _():
    with tempfile.TemporaryDirectory() as folder:
        results = sf.bulk2.Lead.download("SELECT Id FROM Lead WHERE LastName = 'Zeile 7'", path=folder, wait=0.2)
        with open(results[0]["file"], encoding="utf-8", newline="") as file:
            equal(len(list(csv.DictReader(file))), 1)


@case("bulk2: update")
def _():
    answers = sf.bulk2.Lead.update(records=[{"Id": found, "Title": "Bulk"} for found in bulk_ids[:300]], wait=0.2)
    equal(answers[0]["numberRecordsProcessed"], 300)
    equal(sf.query("SELECT COUNT() FROM Lead WHERE Title = 'Bulk'")["totalSize"], 300)


@case("bulk2: upsert, with refused rows")
def _():
    rows = [{"Partner_Id__c": "S-1", "LastName": "Bulk S-1"}, {"Partner_Id__c": "S-2", "LastName": ""}]
    answers = sf.bulk2.Contact.upsert(records=rows, external_id_field="Partner_Id__c", wait=0.2)
    equal((answers[0]["numberRecordsProcessed"], answers[0]["numberRecordsFailed"]), (2, 1))
    failed = list(csv.DictReader(io.StringIO(sf.bulk2.Contact.get_failed_records(answers[0]["job_id"]))))
    equal([row["Partner_Id__c"] for row in failed], ["S-2"])
    is_true(failed[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING"), failed)


@case("bulk2: delete")
def _():
    answers = sf.bulk2.Lead.delete(records=[{"Id": found} for found in bulk_ids], wait=0.2)
    equal(answers[0]["numberRecordsFailed"], 0)
    equal(sf.query("SELECT COUNT() FROM Lead WHERE Company = 'Bulk \"2\", TLS'")["totalSize"], 0)


@case("bulk: insert, query and delete by the first Bulk API")
def _():
    created = sf.bulk.Lead.insert([{"LastName": "Bulk 1", "Company": "Bulk 1"}], use_serial=True)
    equal([row["success"] for row in created], [True])
    equal(names(sf.bulk.Lead.query("SELECT LastName FROM Lead WHERE Company = 'Bulk 1'")), ["Bulk 1"])
    equal([row["success"] for row in sf.bulk.Lead.delete([{"Id": created[0]["id"]}])], [True])


# Whole minutes that have passed: the clock moves on first.
emulator("clock", {"advanceSeconds": 120})


def window():
    now = datetime.now(timezone.utc) + timedelta(seconds=120)
    return now - timedelta(minutes=30), now


@case("updated")
def _():
    answer = sf.Contact.updated(*window())
    is_true(contact in answer["ids"], answer)


@case("deleted")
def _():
    answer = sf.Lead.deleted(*window())
    is_true(set(bulk_ids) <= {row["id"] for row in answer["deletedRecords"]}, answer["latestDateCovered"])


@case("restful: any path below the version")
def _():
    answer = sf.restful("composite/sobjects", method="POST", json={
        "allOrNone": False,
        "records": [{"attributes": {"type": "Lead"}, "LastName": "Restful", "Company": "TLS"}],
    })
    equal(answer[0]["success"], True)


@case("oauth2: userinfo")
def _():
    answer = sf.oauth2("userinfo")
    equal(answer["preferred_username"], ADMIN)


@case("session: one that expired is renewed and the call repeated")
def _():
    renewing = log_in()
    emulator("tokens/expire")
    equal(renewing.query("SELECT Id FROM User LIMIT 1")["totalSize"], 1)


@case("session: a given one that expired is an error")
def _():
    stale = Salesforce(instance=sf.sf_instance, session_id=sf.session_id, version=VERSION)
    error = raises(SalesforceExpiredSession, lambda: SFType("Contact", stale.session_id, stale.sf_instance, VERSION).describe())
    equal(error.content[0]["errorCode"], "INVALID_SESSION_ID")


@case("login: client credentials through My Domain")
def _():
    session = Salesforce(
        consumer_key=environment("WEB_CONSUMER_KEY"),
        consumer_secret=environment("WEB_CONSUMER_SECRET"),
        domain="northwind.my",
        version=VERSION,
    )
    equal(session.query("SELECT Id FROM User LIMIT 1")["totalSize"], 1)


@case("login: username and password are refused")
def _():
    raises(SalesforceAuthenticationFailed, lambda: Salesforce(
        username=ADMIN,
        password=environment("ORG_PASSWORD"),
        consumer_key=environment("WEB_CONSUMER_KEY"),
        consumer_secret=environment("WEB_CONSUMER_SECRET"),
        version=VERSION,
    ))
