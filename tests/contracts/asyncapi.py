"""The AsyncAPI 3.0 document: exchanges, routing keys, headers, and a message for every event."""

from typing import Any

from services.intake.application.commands import ROUTES as ROUTES_OF_COMMANDS
from services.intake.application.composite_acts import COMPOSITE_ACTS, MAX_PARTS
from shared.events import EVENTS
from shared.identifiers import snake
from shared.rabbit import topology
from shared.rabbit.topology import commands_of

ROUTES = {"events": topology.events_of("{source}"), "deadlines": topology.DEADLINES}
COMMANDS = commands_of("{source}")

#: Every header is a string, as the CloudEvents SDK's RabbitMQ binding writes them.
HEADERS = {
    "ce-specversion": "always 1.0",
    "ce-id": "the event's id, also the AMQP message_id; the same event always has the same",
    "ce-source": "/doithoai/ and the name of the source",
    "ce-type": "the event's topic; accept vn.doithoai. before it too, which a later release may write",
    "ce-dataschema": "the name of its schema: urn:doithoai:schema: and the topic, as in contracts/schemas",
    "ce-time": "when it happened in event time: recorded_at, or the instant of a deadline event (RFC 3339)",
    "ce-subject": "the id of the petition, conference, deadline, ... that it belongs to",
    "ce-position": "its position in the source's log, gapless",
    "ce-epoch": "the life of the source's log; a restore begins a new one",
    "ce-recordedat": "when it was recorded (RFC 3339, UTC)",
    "ce-previousid": "the id of the event at the position before; absent on the first",
    "ce-aggregateversion": "its version within its subject, from 1",
    "ce-externalsource": "of what concerns a petition that was pushed under a reference: the source that it names",
    "ce-externalid": "the id of that petition at its source",
    "ce-traceparent": "the trace (W3C) of the command that caused it, where its caller sent one",
    "traceparent": "the same, where tools of AMQP look for it",
}
#: Those that some events lack.
OPTIONAL = {"ce-previousid", "ce-externalsource", "ce-externalid", "ce-traceparent", "traceparent"}


def document() -> dict[str, Any]:
    """The whole document, as plain values."""
    messages = {topic: _message(topic) for topic in sorted(EVENTS)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Đối thoại",
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
            "description": "Events of citizens' dialogue conferences and the deadlines that follow from them. "
            "CloudEvents 1.0, binary mode. At least once, in order of position.",
        },
        "defaultContentType": "application/json",
        "channels": {
            **{name: _channel(name, route.exchange) for name, route in ROUTES.items()},
            "webhooks": _webhooks(),
            "commands": _commands(),
            "answers": {
                "address": None,
                "description": "The queue named in reply_to: amq.rabbitmq.reply-to, or one of the sender's, whose "
                "name begins with the name of the sender's user and a dot. Any other is not answered.",
                "messages": _ref("Answer"),
            },
        },
        "operations": {
            "publishEvents": _operation("send", "events", "intake publishes every event it records"),
            "publishDeadlines": _operation("send", "deadlines", "followup publishes every deadline event it raises"),
            "deliverWebhooks": _operation(
                "send", "webhooks", "followup posts the events of a subscription to its sink"
            ),
            "receiveCommands": {
                **_operation("receive", "commands", "intake takes commands; each is answered, a refused one kept"),
                "reply": {
                    "address": {"location": "$message.header#/replyTo"},
                    "channel": {"$ref": "#/channels/answers"},
                },
            },
        },
        "components": {
            "messages": {
                **messages,
                "Command": _command(),
                "Act": _act(),
                "Answer": _answer(),
                "WebhookEvent": _webhook(),
            },
            "messageTraits": {"CloudEvent": {"headers": _headers()}},
        },
    }


def _channel(name: str, exchange: str) -> dict[str, Any]:
    own = [topic for topic, kind in sorted(EVENTS.items()) if (kind.AGGREGATE == "deadline") == (name == "deadlines")]
    return {
        "address": "{aggregate}.{event}.{jurisdiction}",
        "description": "Routing key: the event in snake case, the jurisdiction last and parent-first, "
        "so that `petition.*.H35.#` follows a province.",
        "parameters": {
            "aggregate": {"description": "petition, conference, deadline, ..."},
            "event": {"description": "the topic in snake case", "enum": [snake(topic) for topic in own]},
            "jurisdiction": {"description": "VN, H35, H35.10, ..."},
        },
        "messages": {topic: {"$ref": f"#/components/messages/{topic}"} for topic in own},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False},
            }
        },
    }


def _webhooks() -> dict[str, Any]:
    return {
        "address": None,
        "description": "The sink of a subscription (`POST /v1/subscriptions` of followup): one event a request, by "
        "POST, in order for each log, at least once.",
        "messages": _ref("WebhookEvent"),
    }


def _webhook() -> dict[str, Any]:
    names = [name.removeprefix("ce-") for name in HEADERS if name != "traceparent"]
    optional = {name.removeprefix("ce-") for name in OPTIONAL}
    said = {name.removeprefix("ce-"): words for name, words in HEADERS.items()}
    attributes = {name: {"type": "string", "description": said[name]} for name in names}
    attributes["datacontenttype"] = {"type": "string", "const": "application/json"}
    attributes["data"] = {"type": "object", "description": "by the schema that `dataschema` names"}
    signed = {
        "webhook-id": "the id of the event: the same in each try",
        "webhook-timestamp": "when it was sent, in seconds since 1970",
        "webhook-signature": "Standard Webhooks, v1: HMAC-SHA256 over id, timestamp and body",
    }
    return {
        "name": "WebhookEvent",
        "title": "WebhookEvent",
        "summary": "The same event as in the feed, with the same id: a CloudEvent in structured mode, signed.",
        "contentType": "application/cloudevents+json",
        "headers": {
            "type": "object",
            "required": sorted(signed),
            "properties": {name: {"type": "string", "description": words} for name, words in signed.items()},
        },
        "payload": {
            "type": "object",
            "required": [name for name in attributes if name not in optional],
            "properties": attributes,
        },
    }


def _commands() -> dict[str, Any]:
    return {
        "address": COMMANDS.pattern,
        "description": f"Published to the exchange {COMMANDS.exchange} with the name of the source as routing key; "
        f"intake takes them from the queue {COMMANDS.queue}. Nobody outside needs the default exchange.",
        "parameters": {"source": {"description": "the name of the source (INTAKE_SOURCE)", "default": "local"}},
        "messages": {**_ref("Command"), **_ref("Act")},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": COMMANDS.exchange, "type": "topic", "durable": True, "autoDelete": False},
            }
        },
    }


def _ambiguous() -> dict[str, set[str]]:
    """The commands of one name on several kinds of things, with these."""
    kinds: dict[str, set[str]] = {}
    for route in ROUTES_OF_COMMANDS:
        if not route.creates:
            kinds.setdefault(route.topic, set()).add(route.aggregate)
    return {topic: found for topic, found in sorted(kinds.items()) if len(found) > 1}


def _ref(name: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"}}


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _message(topic: str) -> dict[str, Any]:
    return {
        "name": topic,
        "title": topic,
        "summary": (EVENTS[topic].__doc__ or "").strip(),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/CloudEvent"}],
        "payload": {"$ref": f"./schemas/{topic}.json"},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in HEADERS if name not in OPTIONAL],
        "properties": {name: {"type": "string", "description": words} for name, words in HEADERS.items()},
    }


def _command() -> dict[str, Any]:
    return {
        "name": "Command",
        "summary": "An act as a command; message_id is its idempotency key, user_id (broker-checked) its caller.",
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/correlationId"},
        "payload": {
            "type": "object",
            "required": ["command", "data"],
            "properties": {
                "command": {"type": "string", "description": "the topic of the event that it asks for"},
                "id": {"type": "string", "format": "uuid", "description": "the aggregate; left out to create one"},
                "aggregate": {
                    "type": "string",
                    "enum": sorted(set().union(*_ambiguous().values())),
                    "description": "what the act is done to, where acts on several are named alike "
                    f"({', '.join(_ambiguous())}); without it the first of them is taken",
                },
                "data": {"type": "object", "description": "the body of the HTTP command of the same act"},
                "if_match": {
                    "type": "integer",
                    "description": "the version that the caller knows; unread where something is created",
                },
            },
        },
    }


def _act() -> dict[str, Any]:
    commands = sorted({command for act in COMPOSITE_ACTS.values() for command in act.commands})
    return {
        "name": "Act",
        "summary": "Several commands that are decided and recorded as one, all or none; message_id is their one "
        "idempotency key. Where the id of a case stands, `#0` may stand for that of the first part.",
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/correlationId"},
        "payload": {
            "type": "object",
            "required": ["act", "parts"],
            "properties": {
                "act": {"type": "string", "enum": list(COMPOSITE_ACTS), "description": "the name of the act"},
                "parts": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_PARTS,
                    "items": {
                        "type": "object",
                        "required": ["command"],
                        "properties": {
                            "command": {"type": "string", "enum": commands},
                            "target": {
                                "type": "string",
                                "description": "the id of the case, or `#n`: that of part n, counted from 0",
                            },
                            "aggregate": {
                                "type": "string",
                                "enum": ["conference", "petition"],
                                "description": "what the target is, where the command is done to both",
                            },
                            "body": {"type": "object", "description": "the body of the HTTP command of the same act"},
                            "if_match": {"type": "integer", "description": "the version that the caller knows"},
                        },
                    },
                },
            },
        },
    }


def _answer() -> dict[str, Any]:
    return {
        "name": "Answer",
        "summary": "What the HTTP command would have answered: the result, or problem details (RFC 9457).",
        "contentType": "application/json",
        "payload": {"type": "object"},
    }
