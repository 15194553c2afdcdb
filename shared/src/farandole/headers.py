"""The names of every Kafka header that Farandole reads or writes, once.

CloudEvents attributes travel as ``ce_…`` headers (CloudEvents Kafka binding, binary mode); ``correlationid`` and
``causationid`` are CloudEvents extensions. The ``farandole_…`` headers are believed only on a service's own private
topics, and are stripped from everything that a service publishes elsewhere (PROTOCOL rule: forgery).
"""

from __future__ import annotations

from typing import Final

SPEC_VERSION: Final = "ce_specversion"
ID: Final = "ce_id"
TYPE: Final = "ce_type"
SOURCE: Final = "ce_source"
SUBJECT: Final = "ce_subject"
TIME: Final = "ce_time"
CORRELATION_ID: Final = "ce_correlationid"
CAUSATION_ID: Final = "ce_causationid"
CAUSES: Final = "ce_causes"
TRACEPARENT: Final = "traceparent"

ATTEMPT: Final = "farandole_attempt"
ROUND: Final = "farandole_round"
DUE_AFTER_MS: Final = "farandole_due_after_ms"
ORIGIN: Final = "farandole_origin"
FIRST_FAILED: Final = "farandole_first_failed"
HANDLER: Final = "farandole_handler"
SERVICE_VERSION: Final = "farandole_service_version"
ERROR_CLASS: Final = "farandole_error_class"
ERROR_MESSAGE: Final = "farandole_error_message"
ERROR_STACK: Final = "farandole_error_stack"

PRIVATE_PREFIX: Final = "farandole_"

Headers = tuple[tuple[str, bytes], ...]
"""Headers as Kafka keeps them: ordered, names may repeat; the last of a name counts."""
