"""What a message means, as numbers: by the sentence encoder that the model has, loaded once."""

from __future__ import annotations

import numpy as np

from bot.nlu.encoder import encoder


def embedded(text: str) -> np.ndarray:
    """The vector of a text, of length one."""
    return encoder().encode([text])[0]
