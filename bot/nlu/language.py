"""Which language a message is in, as far as it isn't English: those who speak another are told at once.

The language is a guess of py3langid (Lui & Baldwin 2012, langid.py), which knows short texts badly, so it
is asked only about messages most of whose words English doesn't know. Spanish, by far the likeliest, is
also known by its own commonest words, for what is too short to guess from ("necesito ayuda").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.entities import INFORM
from bot.nlu.spelling import UNKNOWN_WORDS

ENGLISH, SPANISH, OTHER = "en", "es", "other"

INTENTS = {SPANISH: "speak_spanish", OTHER: "speak_other_language"}

_LIKELY = "ar de en es fr ht hi it ja ko pl pt ru tl uk vi zh"
"""The languages most spoken in American homes, of those that the guess knows; with all of its 97, two
words of English slang are soon Latin."""

SURE = 0.9
"""Probability from which on a guess counts."""

_SPANISH = """
    hola gracias buenos buenas días dias tardes noches por favor sí si español espanol habla hablan
    hablo hablas entiendo inglés ingles ayuda ayudar ayúdame necesito quiero quisiera puedo puede
    pueden tengo tiene hay soy eres está estan están esta estoy es son fue qué que quién quien cómo
    como cuándo cuando cuánto cuanto cuántos cuantos cuál cual dónde donde mi mis su sus una uno unos
    para pero con del de en la el más mas muy todo nada algo aquí también porque perdí
    perdi olvidé olvide curso cursos cupo asientos certificado certificados tarjeta
    miembro membresía membresia cuenta contraseña registro registrarme inscribirme escuela escuelas
    policía policia oficial oficiales próxima proxima próximo fecha costo cuesta gratis teléfono
    telefono persona
"""
SPANISH_WORDS = frozenset(_SPANISH.split())

_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str, unknown: Collection[str]) -> str:
    """`en`, `es` or `other`; English unless there is little doubt.

    Args:
        text: The message as it was typed.
        unknown: Its words that English doesn't know, in lower case.
    """
    words = _WORD.findall(text.lower())
    letters = "".join(words)
    if sum(not _is_latin(letter) for letter in letters) > len(letters) / 2:
        return OTHER
    # One word is too little, and "gracias" is said by all.
    if len(words) < 2:
        return ENGLISH
    foreign = sum(word in unknown for word in words)
    if not foreign:
        return ENGLISH
    spanish = sum(word in SPANISH_WORDS for word in words)
    strange = sum(word in unknown or word in SPANISH_WORDS for word in words)
    guess, probability = _identifier().classify(text)
    is_guess = guess != ENGLISH and probability >= SURE
    # Some of its words are in English texts, too ("la", "mi", "para"): one more must be strange.
    if spanish and foreign and strange + (spanish > 1) > len(words) / 2:
        is_another = is_guess and guess != SPANISH and spanish < len(words) / 2
        return OTHER if is_another else SPANISH
    if is_guess and foreign >= 2 and foreign >= len(words) / 2:
        return SPANISH if guess == SPANISH else OTHER
    return ENGLISH


@lru_cache(maxsize=4096)
def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LIKELY.split())
    return identifier


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=False)
class LanguageDetector(GraphComponent):
    """Makes a message in another language a `speak_spanish` or a `speak_other_language`."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003  Rasa's signature
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> LanguageDetector:
        _identifier()  # loaded with the model, not at the first message
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if message.get(INTENT) == INFORM:
                continue  # nothing but names, and those are of any language
            language = language_of(message.get(TEXT) or "", message.get(UNKNOWN_WORDS) or ())
            if language in INTENTS:
                intent = {"name": INTENTS[language], "confidence": 1.0}
                message.set(INTENT, intent, add_to_output=True)
                message.set(INTENT_RANKING_KEY, [dict(intent)], add_to_output=True)
        return messages
