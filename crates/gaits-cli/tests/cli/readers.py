"""Reads the tables of `gaits export` with the program that is named, and prints what it found."""

import json
import sys

reader, folder = sys.argv[1:]


def found(form):
    path = f"{folder}/table.{form}"
    if reader == "pandas":
        import pandas

        if form == "parquet":
            table = pandas.read_parquet(path)
        else:
            table = pandas.read_csv(path, sep="\t" if form == "tsv" else ",")
        return table.astype(object).where(table.notna(), None).to_dict("records")
    if reader == "polars":
        import polars

        if form == "parquet":
            table = polars.read_parquet(path)
        else:
            table = polars.read_csv(path, separator="\t" if form == "tsv" else ",")
        return table.to_dicts()
    if reader == "duckdb":
        import duckdb

        table = duckdb.sql(f"SELECT * FROM '{path}'")
        return [dict(zip(table.columns, row)) for row in table.fetchall()]
    if reader == "pyarrow":
        import pyarrow.csv
        import pyarrow.parquet

        if form == "parquet":
            return pyarrow.parquet.read_table(path).to_pylist()
        parse = pyarrow.csv.ParseOptions(delimiter="\t" if form == "tsv" else ",", newlines_in_values=True)
        # It takes empty text for null in columns that are no text only.
        convert = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
        return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert).to_pylist()
    sys.exit(f"no such reader: {reader}")


print(json.dumps([found(form) for form in ("csv", "tsv", "parquet")]))
