"""How far do shares move when DeepSHAP's background images are drawn again? On the demo's model and data.

PYTHONPATH=python python tests/benchmarks/background_draws.py
"""

import bandlens as bl
import numpy as np
from bandlens import demo

DRAWS = 5

data = bl.datasets.landsat()
model = demo.train(data)
print(f"largest difference of a share between {DRAWS} draws, and classes whose most important band is the same in all")
for size in (50, 100, 200, 500):
    tables = [
        bl.band_importance(
            model, data.x_test, data.y_test, background=data.x_train, n_background=size, seed=seed, progress=False
        ).table
        for seed in range(DRAWS)
    ]
    shares = np.stack([table.share for table in tables])
    tops = np.stack([table.rank.argmin(axis=1) for table in tables])
    spread = 100 * (shares.max(axis=0) - shares.min(axis=0)).max()
    same = (tops == tops[0]).all(axis=0).sum()
    print(f"{size:4d} background images: {spread:4.1f} percentage points, {same} of {tops.shape[1]} classes")
