from t2t_mm.runs import starts


def test_starts_are_added_and_read_in_order(tmp_path):
    path = tmp_path / starts.FILE
    assert starts.read(path) == []
    starts.add(path, {"step": 0, "command": ["mm-trainer", "--output_dir=\udcff"]})
    starts.add(path, {"step": 5})
    assert [start["step"] for start in starts.read(path)] == [0, 5]


def test_what_is_no_start_is_left_out(tmp_path):
    path = tmp_path / starts.FILE
    path.write_bytes(b'{"step": 1}\n\xff\n[]\n{"step": 2')
    assert [start["step"] for start in starts.read(path)] == [1]
