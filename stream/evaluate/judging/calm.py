"""When an incident is told, told again and over: what the configuration says under `alarms`."""

from dataclasses import dataclass

__all__ = ["Calm"]

GROWTH = 7
"""How many times as long as the one before each interval between reminders is: a week, seven weeks, a year."""
DOUBLINGS_MAX = 2
"""How often the quiet that an incident needs is doubled at most, as it comes back again and again."""


@dataclass(frozen=True, slots=True)
class Calm:
    """When an incident is told: the configuration's `alarms`.

    `clear_after` quiet windows resolve it, twice as many each time it has come back; while it lasts it is told again
    after `ongoing_every_ms`, then after 7 times as long, and so on (None: never); an alarm at most `cooldown_ms` after
    it was resolved continues it. Errors that grow at most `confirm_within_ms` after a feature began to drift confirm
    that its drift harms. `sizes_ms` are the sizes of windows, as longer ones tell of what shorter ones have told: where
    none is given, no window is taken to be longer than others.
    """

    clear_after: int = 3
    ongoing_every_ms: int | None = None
    cooldown_ms: int = 0
    confirm_within_ms: int = 86_400_000
    sizes_ms: tuple[int, ...] = ()

    def looks_back(self, size_ms: int, end_ms: int, told_ms: int) -> bool:
        """Whether a window, longer than the shortest, has in it what had been told by then."""
        longer = size_ms > min(self.sizes_ms, default=size_ms)
        return longer and end_ms - size_ms < told_ms

    def forgets(self, since_ms: int) -> bool:
        """Whether nothing can look back, or come back, on what was over for so long."""
        several = len(set(self.sizes_ms)) > 1
        return since_ms > max(self.cooldown_ms, max(self.sizes_ms) if several else 0)

    def quiet_needed(self, returns: int) -> int:
        """Tell how many quiet windows end an incident that came back so often."""
        return self.clear_after << min(returns, DOUBLINGS_MAX)

    def reminds(self, since_ms: int, reminders: int) -> bool:
        """Whether an incident of so many reminders, of which nothing was told for so long, is told again."""
        every = self.ongoing_every_ms
        return every is not None and since_ms >= every * int(GROWTH**reminders)
