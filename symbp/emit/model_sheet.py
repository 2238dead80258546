"""A model by itself: its equations and functions, before anything is derived."""

from __future__ import annotations

from symbp.derive.conventions import conventions
from symbp.derive.definitions import definitions
from symbp.emit.document import Document, defined, formulas
from symbp.emit.given import given
from symbp.emit.markdown import PAGE, equation_rows
from symbp.emit.math import printer
from symbp.model.core import Model


def model_sheet(model: Model) -> Document:
    """The document that shows a model."""
    setter = printer(model)
    functions = tuple(defined(setter, definitions(model, ())))
    told = tuple((f"{text[0].upper()}{text[1:]}.",) for text in conventions(model))
    return Document(model.name, model.title, formulas(model), functions, told, (), given=given(setter, model))


def model_latex(model: Model) -> str:
    """The equations of a model for a notebook cell, between ``$$``."""
    body = " \\\\\n".join(equation_rows(formulas(model), PAGE))
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"
