"""The console in a real browser, against a live Stoker."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from fakes.console import PATIENCE_MS, Reader, browser, reader
from fakes.live_server import LiveServer
from fakes.roles import LAMBDA_TRUST
from fakes.waiting import eventually
from fakes.zips import zip_of

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)

THREE_LINES = """def handler(event, context):
    print("stoking for", event["name"])
    return {"warmth": len(event["name"])}
"""
EVIL = "<img src=x onerror=window.broken=1><script>window.broken=1</script>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def ada(chromium: Browser, live_server: LiveServer) -> Iterator[Reader]:
    """The account itself, signed in; whatever the browser complains of fails the test."""
    with reader(chromium, live_server) as one:
        one.sign_in()
        one.page.wait_for_url("**/functions")
        yield one
        assert one.complaints == []
        assert one.foreign == []


def make_function(server: LiveServer, name: str, code: str, **more: Any) -> Any:
    client = server.client("lambda")
    settings = {"Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/test", "Handler": "app.handler"}
    client.create_function(FunctionName=name, Code={"ZipFile": zip_of({"app.py": code})}, **{**settings, **more})
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return client


def test_a_newcomer_makes_a_function_and_sees_it_run(ada: Reader) -> None:
    page = ada.page
    page.get_by_role("link", name="Create function").click()
    page.get_by_label("Name").fill("console-first")
    page.locator(".cm-content").wait_for()
    ada.paste(THREE_LINES)
    # By keyboard, as the page says.
    expect(page.get_by_text("leaves the code")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Create function")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/functions/console-first?event=hello")
    expect(page.get_by_role("button", name="Test", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_text('{\n  "warmth": 3\n}')
    expect(page.locator(".log")).to_contain_text("stoking for Ada")
    expect(page.locator(".cold")).to_have_text("cold")
    ada.press("Test")
    expect(page.locator(".warm")).to_have_text("warm")
    expect(page.locator(".numbers")).to_contain_text("of 256 MB")
    page.get_by_role("link", name="Everything of this call").click()
    expect(page.locator("ol.lines")).to_contain_text("stoking for Ada")
    page.get_by_role("link", name="Functions").first.click()
    expect(page.get_by_role("row", name="console-first")).to_contain_text("Active")
    page.get_by_label("Search functions").fill("no such function")
    expect(page.locator("#rows")).to_contain_text("No function fits")


def test_what_one_begins_with_follows_the_runtime_and_the_template_until_it_is_changed(ada: Reader) -> None:
    page, code = ada.page, ada.page.locator(".cm-content")
    ada.go("/functions/new")
    expect(code).to_contain_text("def handler(event, context)")
    page.get_by_label("Begin with").select_option("web")
    expect(code).to_contain_text("statusCode")
    page.get_by_role("radio", name=re.compile("Node.js")).first.check()
    expect(code).to_contain_text("export const handler")
    ada.paste("// mine")
    page.get_by_label("Begin with").select_option("queue")
    expect(code).to_have_text("// mine")


def test_several_files_are_edited_and_an_error_is_told_with_its_place(ada: Reader, live_server: LiveServer) -> None:
    make_function(
        live_server, "console-files", "import words\n\ndef handler(event, context):\n    return words.GREETING\n"
    )
    ada.go("/functions/console-files")
    page = ada.page
    page.locator(".cm-content").wait_for()
    page.once("dialog", lambda dialog: dialog.accept("words.py"))
    ada.press("Add file")
    page.locator("[data-path]:not([hidden]) textarea, .source:not([hidden]) .cm-content").first.wait_for()
    page.locator(".source:not([hidden]) .cm-content").click()
    page.keyboard.type('GREETING = "hoi"')
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_contain_text("Saved")
    ada.press("Test")
    expect(page.locator(".answer")).to_have_text('"hoi"')
    page.get_by_role("tab", name="app.py").click()
    ada.paste("def handler(event, context):\n    raise ValueError('too cold')\n")
    expect(page.locator("#saved")).to_have_text("Not saved yet.")
    ada.press("Test")
    # What was pasted is saved first.
    expect(page.locator(".failure")).to_have_text("too cold")
    expect(page.locator(".trace")).to_contain_text("app.py")
    page.reload()
    expect(page.get_by_role("tab")).to_have_text(["app.py", "words.py"])
    ada.go("/functions?q=console-files")
    page.get_by_role("row", name="console-files").get_by_role("link", name=re.compile(r"^\d{4}-")).click()
    expect(page.locator("ol.lines")).to_contain_text("too cold")
    expect(page.locator("ol.lines")).not_to_contain_text("hoi")


def test_environments_are_seen_starting_turning_warm_and_gone(ada: Reader, live_server: LiveServer) -> None:
    client = make_function(
        live_server,
        "console-living",
        "import time\ntime.sleep(1.5)\n\ndef handler(event, context):\n    time.sleep(1.5)\n",
    )
    ada.go("/functions/console-living/environments")
    page = ada.page
    expect(page.locator("#link")).to_have_text("live")
    # Each state that a square goes through, as it is drawn.
    page.evaluate(
        """() => {
          window.states = [];
          new MutationObserver(() => {
            for (const square of document.querySelectorAll("[data-number]")) {
              const state = square.dataset.state;
              if (window.states.at(-1) !== state) window.states.push(state);
            }
          }).observe(document.querySelector("#groups"), { subtree: true, childList: true, attributes: true });
        }"""
    )
    ada.press("Call it once")
    frozen = page.locator("[data-number][data-state=frozen]")
    expect(frozen).to_have_attribute("title", re.compile(r"frozen, \d+ (s|min) left; 1 call; started in"))
    expect(page.locator("#starts li").first).to_contain_text("sandbox")
    client.update_function_configuration(FunctionName="console-living", Description="changed")
    # It is not to be seen for long.
    eventually(lambda: "gone" in page.evaluate("window.states"), "it is drawn as gone")
    expect(page.locator("[data-number]")).to_have_count(0)
    states = page.evaluate("window.states")
    assert "running" in states
    assert [state for state in states if state in ("frozen", "gone")] == ["frozen", "gone"]
    assert set(states) & {"sandbox", "runtime", "import", "init"}


def test_a_line_is_seen_as_it_is_logged(ada: Reader, live_server: LiveServer) -> None:
    client = make_function(live_server, "console-tail", "def handler(event, context):\n    print('line', event)\n")
    client.invoke(FunctionName="console-tail", Payload=b'"first"')
    ada.go("/functions/console-tail/logs")
    ada.press("Live tail")
    expect(ada.page.locator("#tail-state")).to_contain_text("Live")
    client.invoke(FunctionName="console-tail", Payload=json.dumps(EVIL).encode())
    expect(ada.page.locator("li.fresh").filter(has_text="line <img src=x")).to_be_visible()
    assert ada.page.evaluate("window.broken") is None


def test_a_wrong_secret_gets_nobody_in(chromium: Browser, live_server: LiveServer) -> None:
    with reader(chromium, live_server) as stranger:
        stranger.sign_in(secret="wrong")
        expect(stranger.page.get_by_role("alert")).to_contain_text("signature")
        stranger.go("/functions")
        expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert stranger.page.context.cookies() == []


def test_a_policy_hides_what_may_not_be_seen(chromium: Browser, live_server: LiveServer) -> None:
    for name in ("console-shown", "console-secret"):
        make_function(live_server, name, "def handler(event, context):\n    return 1\n").invoke(FunctionName=name)
    iam = live_server.client("iam")
    iam.create_user(UserName="console-guest")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:console-shown"
    allowed = [
        {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"},
        {"Effect": "Allow", "Action": ["lambda:Get*", "lambda:InvokeFunction"], "Resource": arn},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName="console-guest", PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName="console-guest")["AccessKey"]
    with reader(chromium, live_server) as guest:
        guest.sign_in(key["AccessKeyId"], key["SecretAccessKey"])
        page = guest.page
        expect(page.locator("tbody")).to_contain_text("console-shown")
        guest.go("/environments")
        expect(page.locator(".group")).to_have_count(1)
        expect(page.locator(".group")).to_contain_text("console-shown")
        expect(page.locator("#starts")).not_to_contain_text("console-secret")
        for path in ("/functions/console-secret", "/functions/console-secret/configuration", "/bill", "/queues"):
            guest.go(path)
            expect(page.get_by_role("alert")).to_be_visible()
        guest.go("/functions/console-shown")
        guest.press("Test")
        expect(page.locator(".answer")).to_have_text("1")
        page.get_by_text("Delete this function").click()
        page.get_by_label("Type its name").fill("console-shown")
        guest.press("Delete")
        expect(page.locator("#deleted")).to_contain_text("AccessDenied")


def test_what_others_wrote_is_shown_and_never_run(ada: Reader, live_server: LiveServer) -> None:
    code = "def handler(event, context):\n    print(event)\n    raise ValueError(event)\n"
    client = make_function(live_server, "console-evil", code, Description=EVIL, Environment={"Variables": {"AN": EVIL}})
    client.create_alias(FunctionName="console-evil", Name="live", FunctionVersion="$LATEST", Description=EVIL)
    s3, sqs = live_server.client("s3"), live_server.client("sqs")
    s3.create_bucket(Bucket="console-evil")
    s3.put_object(Bucket="console-evil", Key=EVIL, Body=EVIL.encode(), ContentType=EVIL)
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="console-evil")["QueueUrl"], MessageBody=EVIL)
    page = ada.page
    ada.go("/functions/console-evil")
    page.get_by_label("The event, as JSON").fill(json.dumps(EVIL))
    ada.press("Test")
    expect(page.locator(".failure")).to_have_text(EVIL)
    for path in ("?q=evil", "/console-evil/configuration", "/console-evil/versions", "/console-evil/logs"):
        ada.go(f"/functions{path}")
    expect(page.locator("ol.lines")).to_contain_text(EVIL)
    ada.go("/functions/console-evil/configuration")
    ada.press("Show values")
    expect(page.get_by_label("Value of AN")).to_have_value(EVIL)
    ada.go("/buckets/console-evil")
    page.get_by_role("link", name=EVIL).click()
    expect(page.locator("pre")).to_have_text(EVIL)
    ada.go("/queues/console-evil")
    ada.press("Look")
    expect(page.locator("#messages pre")).to_have_text(EVIL)
    assert page.evaluate("window.broken") is None


def test_pages_of_functions_and_objects_have_no_part_in_the_console(ada: Reader, live_server: LiveServer) -> None:
    page = "<title>waiting</title><script>fetch('/_stoker/console/functions', {credentials: 'include'})\
.then(r => r.text()).then(t => document.title = 'read ' + t.length, () => document.title = 'kept out')</script>"
    answer = {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": page}
    client = make_function(live_server, "console-page", f"def handler(event, context):\n    return {answer!r}\n")
    url = client.create_function_url_config(FunctionName="console-page", AuthType="NONE")["FunctionUrl"]
    everybody = {"FunctionName": "console-page", "Principal": "*"}
    by_url = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    client.add_permission(**everybody, StatementId="url", **by_url)
    by_url = {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
    client.add_permission(**everybody, StatementId="function", **by_url)
    host, _, path = url.partition("//")[2].partition("/")
    url_id = path.rstrip("/").rpartition("/")[2] or host.partition(".")[0]
    s3 = live_server.client("s3")
    s3.create_bucket(Bucket="console-page")
    s3.put_object(Bucket="console-page", Key="page.html", Body=page.encode(), ContentType="text/html")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "console-page", "Key": "page.html"})
    for address in (f"{live_server.endpoint}/_stoker/url/{url_id}/", link):
        ada.page.goto(address)
        expect(ada.page).to_have_title("kept out")
    # That it was kept out is what the browser complains of.
    assert ada.complaints
    ada.complaints.clear()


def test_triggers_are_added_with_the_leave_that_they_need(ada: Reader, live_server: LiveServer) -> None:
    live_server.client("iam").create_role(RoleName="console-worker", AssumeRolePolicyDocument=LAMBDA_TRUST)
    code = "def handler(event, context):\n    print('worked on', event.get('Records', [{}])[0].get('body'))\n"
    role = "arn:aws:iam::000000000000:role/console-worker"
    make_function(live_server, "console-worker", code, Role=role)
    page = ada.page
    ada.go("/functions/console-worker/triggers")
    ada.press("Add trigger")
    page.locator("input[name=queue]").fill("console-work")
    ada.press("Add")
    expect(page.get_by_role("row", name="Queue")).to_contain_text("console-work")
    for kind, row in (("bucket", "Bucket"), ("schedule", "Rule or schedule"), ("api", "API"), ("url", "URL")):
        ada.press("Add trigger")
        page.locator("#kind").select_option(kind)
        if kind == "bucket":
            page.locator("input[name=bucket]").fill("console-work")
        if kind == "url":
            page.get_by_label("For everybody who reaches this machine").check()
        ada.press("Add")
        expect(page.get_by_role("row", name=re.compile(f"^{row}"))).to_be_visible()
    expect(page.get_by_role("row", name="API").get_by_role("link")).to_contain_text("http")
    expect(page.get_by_role("row", name="everybody, by its URL")).to_have_count(2)
    page.get_by_role("button", name="Remove the URL").click()
    expect(page.get_by_role("row", name="URL")).to_have_count(0)
    expect(page.get_by_role("row", name="everybody, by its URL")).to_have_count(0)
    ada.press("Add trigger")
    page.locator("#kind").select_option("schedule")
    page.locator("input[name=schedule]").fill("rate(1 minutes)")
    ada.press("Add")
    expect(page.locator("#added")).to_contain_text("of one as rate(1 minute)")
    # That it was refused is what the browser complains of.
    assert ada.complaints.pop().startswith("Failed to load resource")
    ada.go("/queues/console-work")
    page.get_by_label("Message").fill("a shovel of coal")
    ada.press("Send")
    expect(page.locator("#sent")).to_contain_text("Sent as")
    ada.go("/functions/console-worker/logs")
    ada.press("Live tail")
    expect(page.locator("#tail-state")).to_contain_text("Live")
    expect(page.locator("#lines")).to_contain_text("worked on a shovel of coal")


def test_a_schedule_says_when_it_is_due_and_is_switched_off_and_on(ada: Reader, live_server: LiveServer) -> None:
    scheduler, trust = live_server.client("scheduler"), LAMBDA_TRUST.replace("lambda", "scheduler")
    role = live_server.client("iam").create_role(RoleName="console-clock", AssumeRolePolicyDocument=trust)["Role"][
        "Arn"
    ]
    target = {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:nobody-s", "RoleArn": role, "Input": "{}"}
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    when = {"ScheduleExpression": "cron(0 8 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"}
    scheduler.create_schedule(Name="console-morning", FlexibleTimeWindow=window, Target=target, **when)
    ada.page.set_viewport_size({"width": 390, "height": 844})
    ada.go("/schedules")
    row = ada.page.get_by_role("row", name="console-morning")
    expect(row).to_contain_text("cron(0 8 * * ? *) Europe/Berlin within 15 min")
    assert ada.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    kept = scheduler.get_schedule(Name="console-morning")
    for press, state in (("Switch off", "DISABLED"), ("Switch on", "ENABLED")):
        ada.page.get_by_role("button", name=f"{press} console-morning").click()
        expect(row).to_contain_text(state.lower())
        now = scheduler.get_schedule(Name="console-morning")
        assert now["State"] == state
        assert all(now[name] == kept[name] for name in ("Target", "FlexibleTimeWindow", *when))
    scheduler.delete_schedule(Name="console-morning")
