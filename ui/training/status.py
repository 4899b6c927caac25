"""How a run stands, in words."""

from core import jobs
from core.figures.training import RATE
from core.i18n import _
from core.training import app_runs
from core.training.recipes import SVM_STAGE
from core.training.runs import Curve, Run
from ui.training.curves import score_title

LATELY = 20  # steps over which images/s are counted

Now = jobs.Progressed[app_runs.Snapshot]


def progress_of(run: Run, now: Now, curves: dict[str, Curve]) -> tuple[float, str]:
    """Return the part of a training that is done, from 0 to 1, and words for it: step, images/s, time left."""
    if now.place:
        return 0.0, _waiting(now)
    snapshot = now.events[-1] if now.events else app_runs.Snapshot()
    if snapshot.step is None:
        if snapshot.preparing is not None:
            words = _("proposing regions on every photo, once: {percent} %")
            return min(snapshot.preparing, 1.0), words.format(percent=round(100 * snapshot.preparing))
        return 0.0, _("opening the data ...")
    step = snapshot.step
    if snapshot.measuring is not None:
        words = _("step {step} · scoring on held-out images: {percent} %")
        return min(step.done, 1.0), words.format(step=step.step, percent=round(100 * snapshot.measuring))
    if step.stage == SVM_STAGE:
        return min(step.done, 1.0), _("fitting SVMs and box regressions to the best weights ...")
    left = step.seconds * (1 - step.done) / max(step.done, 1e-6)
    words = _("step {step} · {speed} images/s · {left} left")
    return min(step.done, 1.0), words.format(step=step.step, speed=speed_of(run, curves), left=duration(left))


def _waiting(now: Now) -> str:
    if now.wait is None:
        return _("waiting: number {place} in line").format(place=now.place)
    return _("waiting: number {place} in line, about {time}").format(place=now.place, time=duration(now.wait))


def speed_of(run: Run, curves: dict[str, Curve]) -> str:
    """Return the images a second of the last steps of ``run``."""
    rate = curves.get(RATE)
    if rate is None or len(rate.steps) < 2:
        return "–"
    first = max(0, len(rate.steps) - 1 - LATELY)
    steps, seconds = rate.steps[-1] - rate.steps[first], rate.seconds[-1] - rate.seconds[first]
    images = min(run.card["asked"]["batch_size"], run.card.get("on", {}).get("images", 10**9))
    return f"{images * steps / seconds:.0f}" if seconds > 0 else "–"


def duration(seconds: float) -> str:
    """Return ``seconds`` as a few words."""
    if seconds < 100:
        return _("{seconds} s").format(seconds=max(0, round(seconds)))
    return _("{minutes} min").format(minutes=round(seconds / 60))


def how_it_stands(run: Run, now: Now | None, held: bool) -> tuple[str, str]:
    """Return how a run that no job of this session works on stands: a kind of box to say it in, and the words."""
    step = run.card.get("steps", 0)
    if app_runs.is_cancelled(run):
        return "warning", _("Cancelled. Its curves stay, and what it had learnt at its best score.")
    if held:
        return "info", _("Still at work on the server: it goes on, or writes down where it stopped.")
    if now and now.state == "failed":
        return "error", now.error
    if run.ended == "plateau":
        words = _("Ended early after step {step}: no better score came. Best: {scores}, after step {best}.")
        return "success", words.format(step=step, scores=scores_of(run), best=run.card.get("best_step"))
    if run.ended == "finished":
        words = _("Finished after step {step}. Best: {scores}, after step {best}, on {count} held-out images.")
        return "success", words.format(
            step=step, scores=scores_of(run), best=run.card.get("best_step"), count=run.card.get("scored")
        )
    if run.ended == "diverged":
        return "error", _("The loss became no number: start a new training with a smaller learning rate.")
    if run.ended == "stopped" or (now and now.state == "cancelled"):
        return "info", _("Paused. Its state is on the server: it goes on as if nothing had been.")
    return "warning", _("Interrupted: its job was lost. Resume goes on from the last state that was saved.")


def scores_of(run: Run) -> str:
    """Return the scores of a run's best weights, as words."""
    scores = run.card.get("scores", {})
    return ", ".join(f"{score_title(name)} {value:.3f}" for name, value in scores.items())


def about_data(run: Run) -> str:
    """Return what a run learns from and what of the model learns, in words; "" before it is known."""
    on = run.card.get("on")
    if not on:
        return ""
    words = _(
        "{images} images to learn from, {held_out} held out. {learning} of {parameters} parameters learn. "
        "{taken} tensors came from: {start}."
    )
    said = words.format(
        images=on["images"],
        held_out=on["validation_images"],
        learning=f"{on['learning']:,}",
        parameters=f"{on['parameters']:,}",
        taken=on["tensors_taken"],
        start=run.card["titles"]["start"],
    )
    return " ".join((said, *on["notes"]))
