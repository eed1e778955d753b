"""Makes the edits of one step of a recipe in a tree: edit.py ROOT RECIPE STEP. They are in recipes.toml beside this."""
import pathlib
import sys
import tomllib


def change(edit, source):
    anchor = edit.get("after") or edit.get("before") or edit["find"]
    if source.count(anchor) != 1:
        raise SystemExit(f"{edit['file']} does not hold exactly once: {anchor}")
    place = source.index(anchor)
    if "find" in edit:
        return source[:place] + edit["replace"] + source[place + len(anchor):]
    line = source.index("\n", place) + 1 if "after" in edit else source.rfind("\n", 0, place) + 1
    return source[:line] + edit["insert"] + source[line:]


def main():
    root, recipe, step = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    recipes = tomllib.loads(pathlib.Path(__file__).with_name("recipes.toml").read_text(encoding="utf-8"))
    edits = [edit for edit in recipes["edit"] if edit["recipe"] == recipe and edit["step"] == step]
    if not edits:
        raise SystemExit(f"recipes.toml has no edit for step {step} of '{recipe}'")
    for edit in edits:
        file = root / edit["file"]
        file.write_text(change(edit, file.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"    {edit['file']}")


main()
