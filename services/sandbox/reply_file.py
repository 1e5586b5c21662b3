"""A document of the sandbox: a PDF of one page, the same bytes for the same words."""

import hashlib


def reply_pdf(title: str, text: str) -> bytes:
    """One page that says a title in plain letters; the words themselves are only told apart by their digest."""
    mark = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:16]
    line = "".join(each for each in title if each.isalnum() or each in " -/.:").encode("ascii", "ignore").decode()
    page = f"BT /F1 14 Tf 72 770 Td ({line}) Tj 0 -24 Td (doithoai sandbox {mark}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
    )
    content, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(content))
    )
