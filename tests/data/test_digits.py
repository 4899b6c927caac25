"""The digits are scikit-learn's, as images between 0 and 1."""

from core.data.digits import CLASSES, digits


def test_digits_are_images_with_labels() -> None:
    images, labels = digits(100)
    assert images.shape == (100, 1, 8, 8) and 0 == images.min() < images.max() == 1
    assert labels[:10].tolist() == list(range(10)) and labels.max() < CLASSES
