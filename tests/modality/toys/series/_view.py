import numpy as np
from rich import text

from t2t_mm.modality import view


class SeriesView(view.View):
    unit = "steps"

    def size(self, data):
        return len(data) // (4 * self.declaration.channels)

    def describe(self, data):
        return {"steps": self.size(data)}

    def summary(self, data):
        return f"{self.size(data)} steps"

    def drawing(self, data, *, columns, colour):
        steps = np.frombuffer(data, "<f4")[:: self.declaration.channels][:columns]
        spread = np.ptp(steps) or 1.0
        return text.Text("".join("▁▃▅▇"[int(3 * (s - steps.min()) / spread)] for s in steps))

    def page(self, data):
        return f"<meter max=9 value={self.size(data)}></meter>{super().page(data)}"

    def to_board(self, data, board):
        steps = np.frombuffer(data, "<f4").reshape(-1, self.declaration.channels)
        grey = np.uint8(255 * (steps - steps.min()) / (np.ptp(steps) or 1.0))
        board.picture(grey[:, :, None])  # a row for each step
