"""How webhooks, their tests and their attempts are shown to people."""

from triggers.cli.output import Column, Output, Row


def _since(webhook: Row) -> object:
    return webhook["disabled_at"] or webhook["failing_since"]


def _why(webhook: Row) -> object:
    failing = "nothing but failures; after 5 days it is disabled"
    return webhook["disabled_reason"] or (failing if webhook["failing_since"] else None)


WEBHOOK: tuple[Column, ...] = (
    ("Webhook", "webhook_id"),
    ("URL", "url"),
    ("Status", "status"),
    ("Since", _since),
    ("Why", _why),
    ("Types", "event_types"),
    ("Description", "description"),
    ("Timeout", lambda row: f"{row['timeout_seconds']} s"),
    ("Retry", "retry"),
    # Their texts may be secret: a screen is seen by more people than a script's variable.
    ("Headers", lambda row: list(row["headers"])),
    ("Created", "created_at"),
    ("Changed", "updated_at"),
)
WEBHOOKS: tuple[Column, ...] = (
    ("WEBHOOK", "webhook_id"),
    ("STATUS", "status"),
    ("SINCE", _since),
    ("TYPES", "event_types"),
    ("URL", "url"),
)
TEST: tuple[Column, ...] = (
    ("Outcome", "outcome"),
    ("Status", "status_code"),
    ("Took", lambda row: f"{row['duration_ms']} ms"),
    ("Error", "error"),
    ("URL", "request.url"),
)
ATTEMPTS: tuple[Column, ...] = (
    ("EVENT", "event_id"),
    ("ATTEMPT", "number"),
    ("OUTCOME", "outcome"),
    ("AT", "started_at"),
    ("MS", "duration_ms"),
    ("STATUS", "status_code"),
    ("ERROR", "error"),
)


def show_webhook(out: Output, document: bytes, webhook: Row) -> None:
    """Print a webhook, and on stderr where to look next when it is in trouble."""
    out.one(document, WEBHOOK)
    webhook_id = webhook["webhook_id"]
    if webhook["status"] == "failing":
        out.note(f"what it answered: triggers webhooks attempts {webhook_id}")
    if webhook["status"] == "disabled":
        out.note(f"what wants it is held; to deliver that: triggers webhooks enable {webhook_id}")
    if "job_id" in webhook:
        held = "what was held is delivered by a job"
        out.note(f"{held}: triggers jobs show {webhook['job_id']} --watch")


def show_secrets(out: Output, document: bytes, secrets: Row) -> None:
    """Print the secret of a webhook, and those that sign along until they expire."""
    if out.as_json:
        out.raw(document)
        return
    out.line(secrets["secret"])
    for old in secrets["old_secrets"]:
        out.note(f"an earlier one signs along until {old['expires_at']}; --json shows it")
