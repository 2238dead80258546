"""Pictures of a model: one drawing for all formats, in ems, which a backend only spells.

:mod:`dependency` and :mod:`layer` decide what is drawn and where; :mod:`svg` and :mod:`tikz` write it.
"""
