"""The first import of TensorFlow: its notices are left out, all else is passed on."""

import textwrap

FAKE = """
    import os, sys
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\\n")
    os.write(2, b"I0000 00:00:1795456556.532184   15100 cudart_stub.cc:31] no GPU\\n")
    os.write(2, b"W0000 00:00:1795456556.532184   15100 other.cc:31] heed this\\n")
    print("from Python", file=sys.stderr)
    VALUE = 3
"""
PROGRAM = """
    import sys
    from t2t_mm import quiet_import
    quiet_import.install()
    quiet_import.install()
    import tensorflow
    print("after", file=sys.stderr)
    print(tensorflow.VALUE, type(tensorflow.__spec__.loader).__name__)
"""


def test_notices_are_left_out_and_warnings_passed_on(python, tmp_path):
    (tmp_path / "tensorflow.py").write_text(textwrap.dedent(FAKE))
    done = python("-c", textwrap.dedent(PROGRAM), PYTHONPATH=str(tmp_path))
    assert done.stdout == "3 SourceFileLoader\n", done.stderr
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["W0000", "from", "after"]


def test_a_failing_import_shows_its_error(python, tmp_path):
    (tmp_path / "tensorflow.py").write_text(textwrap.dedent(FAKE) + "raise ImportError('broken')\n")
    done = python("-c", textwrap.dedent(PROGRAM), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "ImportError: broken" in done.stderr
    assert "cudart_stub" not in done.stderr


PARTS = """
    import os, time
    from t2t_mm import quiet_import
    with quiet_import.without_notices():
        os.write(2, b"normalizer.cc(51) LOG(")
        time.sleep(0.05)
        os.write(2, b"INFO) identity\\nW kept\\nand the rest")
"""


def test_a_notice_may_come_in_parts(python):
    assert python("-c", textwrap.dedent(PARTS)).stderr == "W kept\nand the rest"
