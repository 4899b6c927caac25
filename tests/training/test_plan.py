"""What a training on one's own data depends on: the recipes, and what may be changed."""

from dataclasses import replace

from core.training.plan import MOST_STEPS, plan_for
from core.training.recipes import RECIPES


def test_plans_follow_the_recipes_and_may_be_changed() -> None:
    made = plan_for("faster_rcnn", "folder", minutes=3.0)
    recipe = RECIPES["faster_rcnn"]
    assert (made.batch_size, made.learning_rate) == (recipe.batch_size, recipe.learning_rate)
    assert made.schedule.minutes == 3 and made.schedule.steps == MOST_STEPS
    assert replace(made, minutes=None).schedule.steps == recipe.steps
    assert replace(made, steps=5, minutes=None).schedule.warmup == 1
