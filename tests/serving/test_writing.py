"""A file is written whole or not at all, whoever writes it."""

import os
import threading

import pytest

import skdistill
from skdistill.serving.writing import check_can_write, whole_file, write_whole
from tests.small import full_disk, numeric_rows, quick_classifier


@pytest.fixture(scope="module")
def clf():
    return quick_classifier().fit(*numeric_rows())


@pytest.mark.parametrize("method", ["save", "to_onnx", "to_c"])
def test_a_full_disk_leaves_the_old_file(clf, tmp_path, method):
    path = tmp_path / "student"
    path.write_bytes(b"old")

    with full_disk(), pytest.raises(OSError, match="File too large"):
        getattr(clf, method)(path)

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["student"]


def test_threads_that_save_to_one_path_leave_a_whole_file_at_any_time(clf, tmp_path):
    path, failures = tmp_path / "student.safetensors", []
    clf.save(path)

    def call(function):
        try:
            for _ in range(15):
                function(path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=[f]) for f in [clf.save] * 2 + [skdistill.load]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert os.listdir(tmp_path) == ["student.safetensors"]


def test_what_is_interrupted_leaves_nothing(tmp_path):
    def write():
        with whole_file(tmp_path / "student") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()

    assert os.listdir(tmp_path) == []


def test_a_link_is_followed(tmp_path):
    (tmp_path / "v1").write_bytes(b"old")
    (tmp_path / "current").symlink_to("v1")

    write_whole(tmp_path / "current", b"new")

    assert (tmp_path / "v1").read_bytes() == b"new"
    assert (tmp_path / "current").is_symlink()


def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "any").touch()

    write_whole(tmp_path / "student", b"")

    assert (tmp_path / "student").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_what_is_no_file_is_written_to(tmp_path):
    reading, writing = os.pipe()

    write_whole(f"/dev/fd/{writing}", b"content")

    assert os.read(reading, 10) == b"content"
    for end in (reading, writing):
        os.close(end)


@pytest.mark.parametrize("name", [".", "file/student"])
def test_a_place_that_cannot_be_written_to_is_found_before(tmp_path, name):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match=r"folder|directory|exists"):
        check_can_write(tmp_path / name)


def test_a_place_that_can_be_written_to_is_left_as_it_was(tmp_path):
    path = tmp_path / "new" / "student"

    check_can_write(path)

    assert os.listdir(path.parent) == []
