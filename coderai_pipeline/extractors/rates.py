"""Which rate a server bears: as configured, as its headers say, or as its refusals show where it says nothing.

When the next request goes by that rate, and how processes agree on it, is in `pacing`.
"""

from dataclasses import dataclass, replace

FORGET_S = 7_200.0
_LEAST = 60.0
_BLIND = 300.0
"""Where nothing at all is answered, that says little of the rate."""
_MARGIN = 0.97
_MILD, _HARD = 0.85, 0.5
_CREEP_A_SECOND = 0.002
_STEADY_S, _UNSURE_S = 40.0, 5.0
_DOUBLING_S = 10.0
_WINDOW_S = 4.0
_SETTLING_S = 1.0
_IDLE_S = 5.0
_MANY_REFUSED = 0.3


@dataclass(frozen=True, slots=True)
class Rate:
    """Rates are requests a minute, times are seconds of the system clock.

    stated: what the server says it allows since `stated_at`; 0 = it does not say. learned: what it was found to bear at
    `learned_at`; 0 = it never refused. It creeps up for `steady_s` and doubles every 10 s from then on, until the server
    refuses again. sent, refused: requests made and 429s since `counted_from`, older ones counting less and less.
    """

    stated: float = 0.0
    stated_at: float = 0.0
    learned: float = 0.0
    learned_at: float = 0.0
    steady_s: float = 0.0
    counted_from: float = 0.0
    sent: float = 0.0
    refused: float = 0.0

    def allowed(self, configured: float, now: float) -> float:
        """Requests a minute at present; never more than configured."""
        most = min(configured, self.stated) if self.stated else configured
        age_s = now - self.learned_at
        if not self.learned or not -FORGET_S < age_s < FORGET_S:
            return most
        creeping = self.learned * (1 + _CREEP_A_SECOND * max(0.0, age_s))
        return min(most, creeping * 2 ** (max(0.0, age_s - self.steady_s) / _DOUBLING_S))

    def after_sending(self, number: int, now: float, idle_s: float = 0.0) -> "Rate":
        """Requests were sent, then none for a while: time in which nothing is asked teaches nothing."""
        idle_s = idle_s if idle_s > _IDLE_S else 0.0
        counted_from = self.counted_from + idle_s
        if not 0 <= now - counted_from < FORGET_S:
            return replace(self, counted_from=now, sent=float(number), refused=0.0)
        is_long = now - counted_from > _WINDOW_S
        return replace(
            self,
            learned_at=self.learned_at + idle_s,
            counted_from=(counted_from + now) / 2 if is_long else counted_from,
            sent=self.sent / (1 + is_long) + number,
            refused=self.refused / (1 + is_long),
        )

    def after_refusal(self, configured: float, now: float, sent_at: float) -> "Rate":
        """A request that was sent then got a 429."""
        if sent_at < self.stated_at <= now:
            return self  # sent before the limit was known: that says nothing of the limit's pace
        refused = replace(self, refused=self.refused + 1)
        is_same_episode = self.learned and (sent_at <= self.learned_at or now - self.learned_at < _SETTLING_S)
        if is_same_episode and self.refused < _MANY_REFUSED * self.sent:
            return refused
        rate, span_s = self.allowed(configured, now), max(_SETTLING_S, now - self.counted_from)
        borne = max(0.0, refused.sent - refused.refused) / span_s * 60
        if is_same_episode and not borne:
            return refused
        # Few refusals come where the rate had crept up to the limit: what was borne before was not all that can be.
        is_overrun = refused.refused > _MANY_REFUSED * refused.sent
        found = (borne or max(_BLIND, _HARD * rate)) if is_overrun else max(borne, _MILD * rate)
        return replace(
            refused,
            learned=max(_LEAST, min(rate, found) * (1.0 if is_same_episode else _MARGIN)),
            learned_at=self.learned_at if is_same_episode else now,
            steady_s=_UNSURE_S if is_overrun else _STEADY_S,
        )

    def after_statement(self, limit: float, now: float) -> "Rate":
        is_news = not self.stated or limit < self.stated
        return replace(self, stated=limit, stated_at=now if is_news else self.stated_at)
