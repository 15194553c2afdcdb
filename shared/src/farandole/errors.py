"""Every error that Farandole raises on purpose, in one tree.

```
FarandoleError
├── StartError            E1xx  a service cannot start: its handlers, providers or settings do not fit together
├── ContractError         E2xx  a schema or an event breaks the contract
│   ├── UndecodableError        bytes that are not the event they claim to be
│   ├── UnknownSchemaError      a schema id that nobody here knows
│   └── OversizeError           an event too large for its topic
├── UnavailableError      E3xx  something the mesh stands on is away; nothing was lost, try again
│   ├── LedgerUnavailableError
│   ├── StoreUnavailableError
│   ├── BrokerUnavailableError
│   ├── RegistryUnavailableError
│   └── BreakersUnavailableError
├── EpochChangedError     E31x  the ledger was wiped or failed over: abandon what is in flight and rejoin
├── MembershipError       E32x  a consumer left its group: it joins again, unless that cannot help
├── StuckError            E33x  a handler keeps its lane, or the whole event loop, from going on
├── RecordsLostError      E327  records that nobody here handled are gone: told, never raised
├── LocalMeshError        E4xx  the embedded mesh could not be brought up
├── UsageError            E5xx  a command was given something that it cannot use
├── OperationError        E51x  what an operator does to a mesh cannot begin, or cannot go on
│   ├── NotPermittedError       Kafka, or the context, does not permit it
│   └── StalePlanError    E531  a plan of a replay that does not fit the mesh any more
└── DependencyError       E6xx  an outside system does not work at present: its breaker counts that
```
Each says what happened, why, and what to do.
"""

from __future__ import annotations


class FarandoleError(Exception):
    """The root: ``what`` happened, ``why``, and what to ``do`` about it, under a stable ``code``."""

    code = "E000"
    is_final = False
    """Whether trying again cannot help: a delivery that ends in such an error is a dead letter at once."""

    def __init__(self, what: str, *, why: str = "", do: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        lines = [f"{self.code} {self.what}"]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.do:
            lines.append(f"  do:  {self.do}")
        return "\n".join(lines)


class StartError(FarandoleError):
    """A service cannot start: its handlers, providers or settings do not fit together."""

    code = "E100"


class ContractError(FarandoleError):
    """A schema or an event breaks the contract."""

    code = "E200"
    is_final = True


class UndecodableError(ContractError):
    """The bytes are not the event that they claim to be. The delivery becomes a dead letter, raw."""

    code = "E210"


class UnknownSchemaError(ContractError):
    """The schema id is known to nobody here. The delivery becomes a dead letter, raw."""

    code = "E211"


class OversizeError(ContractError):
    """The event is larger than its topic takes. Refused at the source, with the sizes."""

    code = "E212"


class UnavailableError(FarandoleError):
    """Something that the mesh stands on is away. Nothing was lost; the work waits and is tried again."""

    code = "E300"


class LedgerUnavailableError(UnavailableError):
    """Redis does not answer, or refuses."""

    code = "E301"


class StoreUnavailableError(UnavailableError):
    """The service's database does not answer."""

    code = "E302"


class BrokerUnavailableError(UnavailableError):
    """Kafka does not answer."""

    code = "E303"


class RegistryUnavailableError(UnavailableError):
    """The schema registry does not answer."""

    code = "E304"


class BreakersUnavailableError(UnavailableError):
    """The shared states of the breakers do not answer: every worker decides alone meanwhile."""

    code = "E307"


class EpochChangedError(FarandoleError):
    """The ledger was wiped or failed over: what is in flight is abandoned and the consumer rejoins."""

    code = "E310"


class MembershipError(FarandoleError):
    """A consumer left its group, or was put out of it. It joins again by itself, unless the error ``is_final``."""

    code = "E320"

    def __init__(self, what: str, *, why: str = "", do: str = "", code: str | None = None, final: bool = False) -> None:
        super().__init__(what, why=why, do=do, code=code)
        self.is_final = final


class StuckError(FarandoleError):
    """A handler keeps its lane, or the whole event loop, from going on. Told in the log and counted, never raised."""

    code = "E330"


class RecordsLostError(FarandoleError):
    """Records that this group had not read yet are gone. Told in the log and counted, never raised."""

    code = "E327"


class LocalMeshError(FarandoleError):
    """The embedded mesh could not be brought up."""

    code = "E400"


class UsageError(FarandoleError):
    """A command was given something that it cannot use."""

    code = "E500"


class OperationError(FarandoleError):
    """What an operator does to a mesh cannot begin, or cannot go on."""

    code = "E510"


class NotPermittedError(OperationError):
    """Kafka does not permit it, or the context says that one may only look. Nothing was done."""

    code = "E511"


class StalePlanError(OperationError):
    """The mesh has changed since a replay was planned: what would be sent is not what was shown."""

    code = "E531"


class DependencyError(FarandoleError):
    """An outside system does not work at present, for no fault of what it was asked.

    Raise it, or an error of your own beneath it, from a client of an outside system. Its breaker counts it, and the
    delivery waits in memory until the system works again. A handler that needs several systems has to be told which:
    ``dependency`` is its name in ``depends_on``; without one it counts against each of them.
    """

    code = "E620"

    def __init__(
        self, what: str, *, why: str = "", do: str = "", code: str | None = None, dependency: str = ""
    ) -> None:
        super().__init__(what, why=why, do=do, code=code)
        self.dependency = dependency
