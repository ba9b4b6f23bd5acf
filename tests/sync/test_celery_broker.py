"""Calls to workers by Celery: what is in them, and what a caller is told when they cannot be sent."""

from __future__ import annotations

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services84.errors import BrokerUnavailable, ConfigurationError
from services84.settings import Settings, read_settings
from services84.sync import celery_broker
from services84.sync.broker import check_broker, open_broker
from services84.sync.celery_broker import CeleryBroker, make_app, place_of
from tests.support.redis import PASSWORD, RedisServer
from tests.support.server import free_port


def settings(url: str, **more: Any) -> Settings:
    return read_settings(
        database_url="postgresql://127.0.0.1/unused", executor="celery", broker_url=url, **more
    )


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:secret@redis.example.com:6379/0", "redis.example.com:6379"),
        ("rediss://user:secret@redis.example.com", "redis.example.com"),
        ("redis+socket:///run/redis/redis.sock", "/run/redis/redis.sock"),
        ("amqp://user:secret@[2001:db8::1]:5672//", "[2001:db8::1]:5672"),
    ],
)
def test_a_broker_is_named_without_its_secrets(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize("missing", ["celery", "redis"])
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "services84.sync.celery_broker", raising=False)
    with pytest.raises(ConfigurationError, match=rf"package {missing}; install services84\[celer"):
        open_broker(settings("redis://127.0.0.1:6379/0"))
    with pytest.raises(ConfigurationError):
        check_broker(settings("redis://127.0.0.1:6379/0"))
    check_broker(read_settings())  # local: nothing is needed


def test_calls_are_confirmed_late_and_taken_one_at_a_time_as_json_and_nothing_else() -> None:
    conf = make_app(settings("redis://127.0.0.1:6379/0")).conf
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert not conf.worker_enable_prefetch_count_reduction
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert conf.result_backend is None
    assert not conf.worker_enable_remote_control


def test_a_call_holds_an_account_id_and_no_secret(redis: RedisServer) -> None:
    broker = CeleryBroker(settings(redis.url))
    broker.send(84, urgent=True)
    broker.send(85, urgent=False)
    broker.close()
    for queue, account_id in ((celery_broker.URGENT, 84), (celery_broker.DUE, 85)):
        said = redis.lines(f"LRANGE services84:{queue} 0 -1")
        text = next(line for line in said if line.startswith("{"))
        message = json.loads(text)
        assert message["content-type"] == "application/json"
        import base64

        assert json.loads(base64.b64decode(message["body"]))[0] == [account_id]
        assert PASSWORD not in text


def test_a_broker_that_is_gone_is_told_at_once_and_used_again_when_it_is_there(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_broker, "REST_SECONDS", 0.0)
    broker = CeleryBroker(settings(redis.url))
    broker.send(1, urgent=False)
    redis.kill()
    for _ in range(3):
        with pytest.raises(BrokerUnavailable, match=f"127.0.0.1:{redis.port} cannot be reached"):
            broker.send(2, urgent=False)
    redis.start()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: broker.send(number, urgent=False), range(8)))
    broker.close()
    assert redis.lines(f"LLEN services84:{celery_broker.DUE}")[0] == ":8"


def test_a_broker_that_never_answers_keeps_nobody_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = CeleryBroker(settings(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        begun = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            broker.send(1, urgent=True)
        assert time.monotonic() - begun < 25
        begun = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            broker.send(2, urgent=True)  # nobody tries again so soon
        assert time.monotonic() - begun < 1
        broker.close()


def test_no_error_shows_the_password_of_the_broker() -> None:
    broker = CeleryBroker(settings(f"redis://:secret-84@127.0.0.1:{free_port()}/0"))
    with pytest.raises(BrokerUnavailable) as refused:
        broker.send(1, urgent=False)
    assert "secret-84" not in f"{refused.value} {refused.value.__cause__!r}"
