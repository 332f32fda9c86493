"""model_check.py MODEL --expect LISTS.jsonl [--include-seen] [--tracking-uri URI]: MLflow loads a model and recommends as
`starling recommend RUN --all-users --output LISTS.jsonl` did: the same items and the same scores, to the bit.

MODEL is a folder or runs:/… or models:/…. Prints "N lists agree"; ends with 1 and says where they differ otherwise.
"""

import argparse
import json
import sys

import mlflow
import numpy as np
import pandas as pd


def fail(reason: str) -> None:
    sys.exit(f"model_check: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--expect", required=True)
    parser.add_argument("--include-seen", action="store_true")
    parser.add_argument("--tracking-uri")
    options = parser.parse_args()
    if options.tracking_uri:
        mlflow.set_tracking_uri(options.tracking_uri)
    with open(options.expect, encoding="utf-8") as lines:
        expected = [json.loads(line) for line in lines]
    if not expected:
        fail(f"{options.expect} has no lists")

    model = mlflow.pyfunc.load_model(options.model)
    inputs = model.metadata.get_input_schema()
    if inputs is None or model.metadata.get_output_schema() is None or model.metadata.get_params_schema() is None:
        fail("the signature lacks inputs, outputs or params")
    column, kind = inputs.input_names()[0], int if inputs.input_types()[0].name == "long" else str
    key = "user" if "user" in expected[0] else "item"
    ids = [kind(line[key]) for line in expected]
    params = {"count": max(len(line["items"]) for line in expected), "include_seen": options.include_seen}
    found = model.predict(pd.DataFrame({column: ids}), params=params)

    if found.columns.tolist() != [column, "items", "scores"] or found[column].tolist() != ids:
        fail(f"the answer is not of the ids that were given: {found.head()}")
    for line, items, scores in zip(expected, found["items"], found["scores"], strict=True):
        wanted = [entry["item"] for entry in line["items"]]
        if [str(item) for item in items] != wanted:
            fail(f"{key} {line[key]}: {items} in place of {wanted}")
        if np.float32(scores).tolist() != np.float32([entry["score"] for entry in line["items"]]).tolist():
            fail(f"{key} {line[key]}: scores {scores} in place of {line['items']}")
    if len(model.predict(pd.DataFrame({column: ids[:1]})).loc[0, "items"]) > 10:
        fail("more than 10 items without being asked")
    stranger = model.predict(pd.DataFrame({column: [-1 if kind is int else "\x7fnobody"]}))
    if stranger.loc[0, "items"] != [] or stranger.loc[0, "scores"] != []:
        fail(f"an id that nobody has got {stranger.loc[0].to_dict()}")
    print(f"{len(expected)} lists agree")


main()
