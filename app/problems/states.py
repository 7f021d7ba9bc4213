"""Problems of the state that a thing is in: the request is good, but comes too late or too early."""

from app.problems.kinds import Example, Problem

_EVENT = "evt_01KAN72XQV8YJ4T6Z0M3S5B7C9"
_WEBHOOK = "wh_7Z0M3S5B7C9KAN72XQV8"
_RECOVERY = '{"since": "2026-11-21T00:00:00Z"}'

OF_STATES = {
    "conflict": Problem(
        409,
        "The state does not allow this",
        "What the request is about is in a state in which this cannot be done: the event of an "
        "idempotency key, for one, was deleted.",
        "Do what `detail` says; a new event needs a new idempotency key.",
        Example(
            path="/v1/events",
            headers=("Idempotency-Key: order-1-created",),
            body='{"event_type": "order.created", "payload": {"order": 1}}',
            given="The event that came with this idempotency key was deleted.",
            detail=f"The event {_EVENT} of this idempotency key was deleted; use a new key",
        ),
    ),
    "already_acknowledged": Problem(
        409,
        "The event was acknowledged before",
        "An earlier call, perhaps a repeated one, has acknowledged the event.",
        "Nothing is to be done: the event is acknowledged. To have it delivered again, send its "
        "payload as a new event.",
        Example(
            method="POST",
            path=f"/v1/events/{_EVENT}/ack",
            detail=f"The event {_EVENT} was acknowledged before",
        ),
    ),
    "limit_reached": Problem(
        409,
        "The tenant has as many as it may have",
        "There is a limit on how many webhooks and keys a tenant has, and on how many old secrets "
        "of a webhook sign along.",
        "Delete one that is not needed any more; an old secret ends by itself, as `detail` tells.",
        Example(
            path="/v1/webhooks",
            body='{"url": "https://example.com/hooks/orders"}',
            given="The tenant has 50 webhooks.",
            detail="There may be at most 50 webhooks; delete one first",
        ),
    ),
    "no_webhook": Problem(
        409,
        "Nobody wants the event",
        "No webhook of the tenant has a filter that takes the event's type.",
        "Create a webhook that wants it, or name one with `webhook_id`.",
        Example(
            method="POST",
            path=f"/v1/events/{_EVENT}/replay",
            detail="No webhook wants events of the type order.created; create one first",
        ),
    ),
    "recovery_running": Problem(
        409,
        "A recovery is running",
        "An earlier call is still redelivering what failed or was held for this webhook.",
        "Follow the job that `detail` names, and start another when it has ended.",
        Example(
            path=f"/v1/webhooks/{_WEBHOOK}/recover",
            body=_RECOVERY,
            detail="The job job_01KAN72XQV8YJ4T6Z0M3S5B7C9 is at it already; wait for its end",
        ),
    ),
    "replay_limit_reached": Problem(
        409,
        "The event was replayed too often",
        "An event may be replayed at most 10 times.",
        "Send its payload as a new event.",
        Example(
            method="POST",
            path=f"/v1/events/{_EVENT}/replay",
            detail="An event may be replayed at most 10 times; send it as a new one",
        ),
    ),
    "webhook_disabled": Problem(
        409,
        "The webhook is disabled",
        "It was disabled by a call, by the receiver's 410, or after days of nothing but failures.",
        "Mend the receiver, then enable the webhook.",
        Example(
            path=f"/v1/webhooks/{_WEBHOOK}/recover",
            body=_RECOVERY,
            detail=f"The webhook {_WEBHOOK} is disabled; enable it first",
        ),
    ),
    "precondition_failed": Problem(
        412,
        "It has changed meanwhile",
        "`If-Match` names another state than the present one: somebody else changed it.",
        "Read it again, decide anew, and send the new `ETag` as `If-Match`.",
        Example(
            method="PATCH",
            path=f"/v1/webhooks/{_WEBHOOK}",
            headers=('If-Match: "0"',),
            body='{"timeout_seconds": 20}',
            detail='It has changed meanwhile: its ETag is "1" now; read it again',
        ),
    ),
    "idempotency_mismatch": Problem(
        422,
        "The idempotency key was used before",
        "An earlier call with this idempotency key sent other content.",
        "Use a new key for each event, and the same key only to send the same event again.",
        Example(
            path="/v1/events",
            headers=("Idempotency-Key: order-1-created",),
            body='{"event_type": "order.created", "payload": {"order": 2}}',
            given="The key came before, with another payload.",
            detail=f"The idempotency key was used for other content, the event {_EVENT}: use a new "
            "key",
        ),
    ),
}
