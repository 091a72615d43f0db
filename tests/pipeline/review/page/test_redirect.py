"""The file that leads a browser to the served page."""

from __future__ import annotations

from brandpress.pipeline.review.page.redirect import redirect_file


def test_only_its_owner_can_read_it_and_it_is_deleted() -> None:
    with redirect_file('http://127.0.0.1:1/a"b/') as file:
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert "url=http://127.0.0.1:1/a&quot;b/" in file.read_text()
    assert not file.parent.exists()
