"""The hot half: all partitions that this worker owns, each folded and committed by itself."""

from collections.abc import Mapping, Sequence

from stream.ingest.decode import Decoder
from stream.ingest.fold import FoldRules
from stream.ingest.partition import Partition
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.reference.fleet import Fleet
from stream.state.store import Answer, Store
from stream.words import Kind

__all__ = ["Ingest"]


class Ingest:
    """The partitions of a worker, and the decoders for what is known of their models.

    `recorded`: at which rates to read some of the partitions, as an earlier run has written them down.
    """

    def __init__(
        self,
        store: Store,
        app: str,
        rules: FoldRules,
        fleet: Fleet,
        recorded: Mapping[Source, Schedule] | None = None,
    ) -> None:
        self.partitions: dict[Source, Partition] = {}
        self.rules = rules
        self._store = store
        self._app = app
        self._recorded = recorded or {}
        self._fleet = fleet
        self._decoders: dict[Kind, tuple[int, Decoder]] = {}

    def take_over(self, source: Source) -> int:
        """Take a partition over, or load it anew; give the offset to read from."""
        recorded = self._recorded.get(source)
        partition = Partition(self._store, self._app, source, self.rules, recorded)
        offset = partition.load()
        self._fleet.refresh()  # behind that: its open panes may be binned by references that are new here
        self.partitions[source] = partition
        return offset

    def drop(self, source: Source) -> None:
        """Let a partition go; what is not committed is somebody else's to fold again."""
        self.partitions.pop(source, None)

    def fold(self, batch: RawBatch) -> list[DeadLetter]:
        """Fold a batch of an owned partition; its dead letters must be delivered before the next commit."""
        decoder = self._decoder(batch.source.kind)
        return self.partitions[batch.source].fold(batch, decoder, self._fleet.book)

    def commit(self, source: Source) -> Answer:
        """Commit an owned partition."""
        return self.partitions[source].commit()

    def clean(self, evaluated: Mapping[Kind, Mapping[str, int]], retention_panes: int) -> None:
        """Delete the panes that nobody needs any more; `evaluated` tells for each kind the models' first open pane."""
        for source, partition in self.partitions.items():
            partition.clean(evaluated.get(source.kind, {}), retention_panes)

    def models(self) -> Sequence[str]:
        """List the models seen on the owned partitions."""
        return sorted(
            {model for partition in self.partitions.values() for model in partition.models()}
        )

    def _decoder(self, kind: Kind) -> Decoder:
        revision = self._fleet.book.revision
        known = self._decoders.get(kind)
        if known is None or known[0] != revision:
            decoder = Decoder(kind, self._fleet.book.schemas(kind), self.rules.event_bytes_max)
            known = self._decoders[kind] = (revision, decoder)
        return known[1]
