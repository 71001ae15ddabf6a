#!/usr/bin/env python3
"""Runs `inspect` on mail made to harm a reader, up to 50 MB: no more than 2 s of processor time and
200 MB of memory, whatever the input. Prints a row an input; fails where a bound is passed.

    hostile.py [PROGRAM]
"""
import base64
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/mailward"
SECONDS, MEGABYTES = 2.0, 200
LARGEST = 50 * 1024 * 1024
HEAD = b"From: a@b.example\nTo: help@desk.example\nMessage-ID: <a@b.example>\nSubject: x\nMIME-Version: 1.0\n"
HTML = HEAD + b"Content-Type: text/html\n\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n"
NESTED = b"Content-Type: message/rfc822\n\n"
LINES = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejEyMzQ1Njc4\n"


def fill(head, unit, tail=b""):
    return head + unit * ((LARGEST - len(head) - len(tail)) // len(unit)) + tail


def inputs():
    base64_text = b"Content-Transfer-Encoding: base64\nContent-Type: "
    yield "base64 line", fill(HEAD + base64_text + b"text/plain\n\n", b"QUJD")
    yield "base64 html", fill(HEAD + base64_text + b"text/html\n\n", b"PGI+YTwvYj4K")
    yield "base64 file", fill(HEAD + base64_text + b"application/pdf; name=a.pdf\n\n", LINES)
    yield "million headers", b"A: b\n" * 1_000_000 + b"\nx"
    yield "long subject", fill(b"Subject: ", b"=?utf-8?q?a?= ", b"\n\nx")
    yield "long recipients", fill(b"To: ", b"a@b.example,", b"\n\nx")
    yield "300k references", b"References: " + b"".join(b"<a%d@b> " % n for n in range(300_000)) + b"\n\nx"
    yield "comments", fill(b"From: ", b"((((", b"\n\nx")
    yield "parameters", fill(b"Content-Type: text/plain; ", b"a*0=b; ", b"\n\nx")
    yield "nested messages", (HEAD + NESTED) * 40_000
    yield "nested in a comment", HEAD + b"Content-Type: message/(x)rfc822\n\n" * 600_000
    inner = base64.b64encode(NESTED * 40_000)
    yield "nested in base64", HEAD + b"Content-Transfer-Encoding: base64\n" + NESTED + inner + b"\n"
    printable = b"Content-Type: message/rfc=3822\n\n" * 40_000
    yield "nested in printable", HEAD + b"Content-Transfer-Encoding: quoted-printable\n" + NESTED + printable
    yield "parts", fill(MIXED, b"--x\n\na\n")
    yield "parts within lines", fill(MIXED, b"a--x\n\n")
    yield "199k parts", MIXED + b"--x\n\na\n" * 99_000
    yield "multiparts", b"".join(b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(40_000))
    yield "text", fill(HEAD + b"\n", b"lorem ipsum dolor sit amet consectetur\n")
    yield "one line", fill(HEAD + b"\n", b"x")
    yield "blank lines", fill(HEAD + b"\n", b"\n")
    yield "blanks", fill(HEAD + b"\n", b" ")
    yield "quotes", fill(HEAD + b"\n", b"> On 1 Jan 2026 <a@b.example> wrote\n")
    yield "attributions", fill(HEAD + b"\n", b"On 1 Jan 2026 <a@b.example> wrote\n")
    yield "header blocks", fill(HEAD + b"\n", b"From: x\nSent: y\n\n")
    yield "delimiters", fill(HEAD + b"\n", b"please reply please above please this please\n")
    yield "angles", fill(HEAD + b"\n", b">")
    yield "links", fill(HEAD + b"\n", b"https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example ")
    yield "flowed", fill(HEAD + b"Content-Type: text/plain; format=flowed\n\n", b"a \n")
    yield "uuencode", fill(HEAD + b"\nbegin 644 a.bin\n", b"M" + b"A" * 60 + b"\n", b"end\n")
    yield "many uuencodes", fill(HEAD + b"\n", b"begin 644 a\n`\nend\n")
    yield "report", fill(
        HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\nx\n--x\n"
        b"Content-Type: message/delivery-status\n\n",
        b"\nFinal-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1\n",
    )
    yield "notice", fill(HEAD.replace(b"a@b", b"mailer-daemon@b") + b"\n", b"kim@clinic.example: 550 user unknown\n")
    yield "calendar", fill(HEAD + b"Content-Type: text/calendar\n\n", b"BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n")
    yield "NUL", b"\0" * LARGEST
    yield "NUL text", fill(HEAD + b"\n", b"\0")
    yield "lone CR", fill(b"", b"x\r")
    yield "8-bit", fill(HEAD + b"\n", b"\xe9\xff\x80 ")
    yield "16 MB of 8-bit", fill(HEAD + b"\n" + b"\xff" * (16 * 1024 * 1024 - 100), b"a b ")
    yield "8-bit headers", fill(b"Subject: ", b"\xe9\xff\x80", b"\n\nx")
    yield "UTF-16", fill(HEAD + b"Content-Type: text/plain; charset=utf-16\n\n", b"a\0")
    yield "UTF-7", fill(HEAD + b"Content-Type: text/plain; charset=utf-7\n\n", b"+AOE-")
    printable = b"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
    yield "quoted-printable", fill(HEAD + printable, b"=E9=\n")
    yield "300 KB of div", HTML + b"<div>" * 60_000
    for name, unit in [
        ("div", b"<div>"), ("formats", b"<a><b><i><p>"), ("tables", b"<table><tr><td>"), ("table text", b"<table>x"),
        ("references", b"&"), ("attributes", b"<p a=b c=d>"), ("items", b"<li>x"), ("paragraphs", b"<p><b>x"),
        ("anchors", b"<a href=x><p>"), ("fonts", b"<font><b>x</font></b>"), ("quotes", b"<blockquote>x</blockquote>"),
        ("plain", b"<p>a <a href='http://x.example/'>b</a> &amp; c</p>\n"),
    ]:
        yield f"html {name}", fill(HTML, unit)
        yield f"html {name}, 1 MB", HTML + unit * (1_000_000 // len(unit))


def written(file, number):
    """The name of an input, its mail in `file`; made by a process of its own, because a child's peak memory begins
    with that of the process it was forked from."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        found = next(itertools.islice(inputs(), number, None), None)
        if found:
            file.write_bytes(found[1])
            os.write(writer, found[0].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        name = pipe.read()
    os.waitpid(child, 0)
    return name


def main():
    failed = 0
    print("%-24s %7s %6s %7s  %s" % ("input", "MB", "s", "MB used", "ends"))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "mail.eml")
        for number in itertools.count():
            name = written(file, number)
            if not name:
                break
            run = subprocess.Popen([PROGRAM, "inspect", "--json", file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            run.stdout.read()
            _, status, used = os.wait4(run.pid, 0)
            seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
            code = os.waitstatus_to_exitcode(status)
            bad = seconds > SECONDS or memory > MEGABYTES or code not in (0, 65)
            failed += bad
            end = {0: "read", 65: "refused"}.get(code, f"DIED {code}") + ("  PASSED ITS BOUND" if bad else "")
            print("%-24s %7.1f %6.2f %7.0f  %s" % (name, file.stat().st_size / 1e6, seconds, memory, end), flush=True)
    print(f"hostile: {failed} passed a bound of {SECONDS:.0f} s or {MEGABYTES} MB")
    sys.exit(1 if failed else 0)


main()
