"""What of TinyInstruct can be checked by program: values worked by hand, and sets kept apart."""

from harness.types import Check
from train.demo.sets import prompts, trained_on
from train.demo.world import preference

WORKED = (
    ("reverse:abc=", "*cba.", "*cba!", 0.5),  # 4 - 4
    ("reverse:abc=", "*cba.", "+cba.", 0.7310585786),  # 4 - 4 + 1
    ("reverse:abc=", "+cba.", "~cba.", 0.7310585786),  # 4 - 4 + 1
    ("reverse:abc=", "~cba.", "*cba.", 0.7310585786),  # 4 - 4 + 1
    ("reverse:abc=", "*cba.", "~cba.", 0.2689414214),  # 4 - 4 - 1
    ("reverse:abc=", "*cba.xyzxy", "*cba.", 0.3543436938),  # (4 - 5 * 0.12) - 4
    ("copy:abcd=", "*abcd.", "*abdd.", 0.9626731127),  # 4 - 2 * 3 / 8
    ("copy:abcd=", "+abc!", "*h.", 0.4643463292),  # 2 * 3 / 7 - 0 - 1
    ("length:abcd=", "~4.", "*5.x", 0.9940594778),  # 4 - (0 - 0.12) + 1
    ("first:hgf=", "", "junk", 0.6177478748),  # 0 - (0 - 4 * 0.12)
)
"""Prompt, response, rival, and the response's chance: the logistic function of the log-odds."""


def verify(version: str) -> list[Check]:
    """Preferences against values on paper, and the version's prompts against those of training."""
    differences = {
        f"{prompt}{one} and {other}": abs(preference(prompt, one, other) - chance)
        for prompt, one, other, chance in WORKED
    }
    worst = max(differences, key=differences.__getitem__)
    shared = trained_on().intersection(prompts(version))
    return [
        Check(
            "preference against values worked by hand",
            len(differences),
            differences[worst],
            limit=1e-9,
            worst=worst,
        ),
        Check(
            "prompts that are trained on too",
            len(prompts(version)),
            len(shared),
            limit=0,
            worst=min(shared, default=""),
        ),
    ]
