"""Definitions as documents of the CNCF Serverless Workflow DSL 1.0, for the subset that both have.

`writing.py` makes a document of a definition, `reading.py` a definition of a document; `shapes.py`
finds which nodes form a sequence and which a fork. What has no counterpart is refused, naming node
or task and field. What the DSL has no field for goes along in `metadata.legato`, so what was
written here is read again as it was.

Expressions are CEL on both sides (`evaluate.language: cel`); those of jq are refused, but for plain
paths from `$input`.
"""
