# SPDX-License-Identifier: Apache-2.0
"""SQL functions: results, NULLs and errors."""
import pytest

# expression, its value as the shell prints it ("NULL" for NULL)
VALUES = [
    ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
    ("sha1('')", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("md5(NULL)", "NULL"),
    ("md5(12)", "c20ad4d76fe97759aa27a0c99bff6710"),
    ("md5('a' || char(0) || 'b')", "0cc175b9c0f1b6a831c399e269772661"),
    ("to_base64('')", ""),
    ("to_base64('f')", "Zg=="),
    ("to_base64('fo')", "Zm8="),
    ("to_base64('foobar')", "Zm9vYmFy"),
    ("to_base64('a' || char(0) || 'b')", "YQBi"),
    ("to_base64(NULL)", "NULL"),
    ("from_base64('Zm9v' || char(10) || 'YmFy')", "foobar"),
    ("from_base64('Zg')", "f"),
    ("from_base64('Z')", ""),
    ("from_base64('Zm9?')", ""),
    ("hex(from_base64('YQBi'))", "610062"),
    ("from_base64(NULL)", "NULL"),
    ("conditional_to_base64('plain text')", "plain text"),
    ("conditional_to_base64('tab' || char(9))", "dGFiCQ=="),
    ("split('a, b,,c', ',', 0)", "a"),
    ("split('a, b,,c', ',', 1)", "b"),
    ("split('a, b,,c', ',', 2)", "c"),
    ("split('a, b,,c', ',', 3)", "NULL"),
    ("split('a, b,,c', ',', -1)", "NULL"),
    ("split('a-b_c', '-_', 2)", "c"),
    ("split(NULL, ',', 0)", "NULL"),
    ("split('a', NULL, 0)", "NULL"),
    ("split('a', ',', NULL)", "NULL"),
    ("split('', ',', 0)", "NULL"),
    ("regex_split('a1b22c', '[0-9]+', 0)", "a"),
    ("regex_split('a1b22c', '[0-9]+', 2)", "c"),
    ("regex_split('a1b22c', '[0-9]+', 3)", "NULL"),
    ("regex_split(' a , b', ',', 0)", " a "),
    ("regex_split('a,,b', ',', 1)", ""),
    ("regex_split('a,', ',', 1)", "NULL"),
    ("regex_split('', ',', 0)", ""),
    ("regex_split('a', ',', NULL)", "NULL"),
    ("regex_match('foo=42;', '(\\w+)=(\\d+)', 0)", "foo=42"),
    ("regex_match('foo=42;', '(\\w+)=(\\d+)', 2)", "42"),
    ("regex_match('foo=42;', '(\\w+)=(\\d+)', 3)", "NULL"),
    ("regex_match('foo', 'bar', 0)", "NULL"),
    ("regex_match('b', '(a)|(b)', 1)", "NULL"),
    ("regex_match(NULL, 'bar', 0)", "NULL"),
    ("concat()", "NULL"),
    ("concat('a', NULL, 1, 2.5)", "a12.5"),
    ("concat(NULL)", ""),
    ("concat_ws('-', 'a', 'b')", "a-b"),
    ("concat_ws('-', 'a', NULL)", "a-"),
    ("concat_ws('-', NULL, 'a')", "a"),
    ("concat_ws(NULL, 'a', 'b')", "ab"),
    ("concat_ws('-')", "NULL"),
    ("inet_aton('1.2.3.4')", "16909060"),
    ("inet_aton('255.255.255.255')", "4294967295"),
    ("inet_aton('::1')", "NULL"),
    ("inet_aton('1.2.3')", "NULL"),
    ("inet_aton(NULL)", "NULL"),
    ("in_cidr_block('10.0.0.0/24', '10.0.0.7')", "1"),
    ("in_cidr_block('10.0.0.0/24', '10.0.0.0')", "0"),
    ("in_cidr_block('10.0.0.0/24', '10.0.0.255')", "0"),
    ("in_cidr_block('10.0.0.0/24', '10.0.1.7')", "0"),
    ("in_cidr_block('10.0.0.4/32', '10.0.0.4')", "1"),
    ("in_cidr_block('10.0.0.4/31', '10.0.0.4')", "0"),
    ("in_cidr_block('0.0.0.0/0', '8.8.8.8')", "1"),
    ("in_cidr_block('2001:db8::/32', '2001:db8::')", "1"),
    ("in_cidr_block('2001:db8::/33', '2001:db8:8000::')", "0"),
    ("community_id_v1('1.2.3.4', '5.6.7.8', 1122, 3344, 6)", "1:wCb3OG7yAFWelaUydu0D+125CLM="),
    ("community_id_v1('5.6.7.8', '1.2.3.4', 3344, 1122, 6)", "1:wCb3OG7yAFWelaUydu0D+125CLM="),
    ("community_id_v1('1.2.3.4', '5.6.7.8', 1122, 3344, 6, 1)", "1:HhA1B+6CoLbiKPEs5nhNYN4XWfk="),
    ("community_id_v1('fe80:0001:0203:0405:0607:0809:0A0B:0C0D', "
     "'fe80:1011:1213:1415:1617:1819:1A1B:1C1D', 12, 13, 17)", "1:yAtS0RVUbXRgsLbPX0mt0C/4HxY="),
    ("community_id_v1('1.2.3', '5.6.7.8', 1, 2, 6)", "NULL"),
    ("version_compare('1.10', '1.9')", "1"),
    ("version_compare('1:1.0', '2.0', 'DPKG')", "1"),
    ("sqrt(16)", "4.0"),
    ("sqrt(NULL)", "NULL"),
    ("log(1)", "0.0"),
    ("log10(1000)", "3.0"),
    ("power(2, 10)", "1024.0"),
    ("cot(1)", "0.642092615934331"),
    ("degrees(pi())", "180.0"),
    ("ceil(1.2)", "2"),
    ("ceil(-1.2)", "-1"),
    ("floor(-1.2)", "-2"),
    ("typeof(ceil(7))", "integer"),
    ("ceil(NULL)", "NULL"),
    ("parent_directory('/a/b')", "/a"),
    ("parent_directory('/x')", ""),
    ("parent_directory('x')", "NULL"),
    ("find_file_path_in_cmd('/bin/sh -c x')", "/bin/sh"),
    ("find_file_path_in_cmd('/bin -c x')", ""),
    ("find_file_path_in_cmd('\"/bin/sh\" -c x', 1)", "/bin/sh"),
    ("find_file_path_in_cmd('\"/bin/sh\" -c x', 0)", ""),
    ("find_file_path_in_cmd('/bin/none')", ""),
    ("is_path_deterministic('/bin/sh -c x')", "1"),
    ("is_path_deterministic('/bin/none')", "1"),
    ("sleep(-5)", "0"),
    ("sleep(0)", "0"),
    ("carve('/etc/hosts')", "Carve Failed:"),
    ("json_extract('{\"a\": [1, 2]}', '$.a[1]')", "2"),
    ("(SELECT count(*) FROM json_each('[1,2,3]'))", "3"),
    ("sum(x) OVER () FROM (SELECT 2 AS x)", "2"),
]

ERRORS = [
    ("split('a', '', 0)", "Invalid input to split function"),
    ("regex_split('a', '', 0)", "Invalid input to split function"),
    ("regex_split('a', '(', 0)", "Invalid regex"),
    ("regex_match('a', '[', 0)", "Invalid regex"),
    (f"regex_match('a', '{'a' * 257}', 0)", "Invalid regex: too big, max size is 256 bytes"),
    ("concat_ws()", "Missing separator to concat_ws"),
    ("in_cidr_block(1, '1.2.3.4')", "CIDR must be a string"),
    ("in_cidr_block(NULL, '1.2.3.4')", "CIDR must be a string"),
    ("in_cidr_block('1.2.3.4/8', 5)", "IP address must be a string"),
    ("in_cidr_block('1.2.3.4/8', 'x')", "IP address cannot be parsed"),
    ("in_cidr_block('1.2.3.4', '1.2.3.4')", "CIDR for IP address v4 cannot be parsed"),
    ("in_cidr_block('1.2.3.4/33', '1.2.3.4')", "CIDR for IP address v4 cannot be parsed"),
    ("in_cidr_block('1.2.3.4/8', '::1')", "CIDR for IP address v6 cannot be parsed"),
    ("community_id_v1_strict('x', '5.6.7.8', 1, 2, 6)", "source address"),
    ("version_compare(1, '2')", "Must provide two version strings to compare."),
    ("version_compare('1', '2', 3)", "The optional third parameter is not a string."),
    ("version_compare('1', '2', 'X')", "does not match one of: (ARCH, DPKG, RHEL)."),
    ("sqrt(-1)", "Numerical argument out of domain"),
    ("exp(1e6)", "Numerical result out of range"),
    ("parent_directory(1)", "Invalid inputs to parent_directory, TEXT was expected"),
    ("find_file_path_in_cmd(NULL)", "Invalid inputs to find_binary_path_from_cmd"),
    ("find_file_path_in_cmd('x', 0, 'ab')", "Invalid inputs to find_binary_path_from_cmd"),
    ("is_path_deterministic(NULL)", "Invalid inputs to is_path_deterministic"),
]


@pytest.mark.parametrize("expression, value", VALUES, ids=[expression for expression, _ in VALUES])
def test_value(ask, expression, value):
    alias = expression if " FROM " in expression and not expression.startswith("(") else None
    if alias:
        head, tail = expression.split(" FROM ", 1)
        sql = f"SELECT {head} AS v FROM {tail}"
    else:
        sql = f"SELECT {expression} AS v"
    actual = ask(sql, "--nullvalue=NULL")[0]["v"]
    assert actual == value


@pytest.mark.parametrize("expression, words", ERRORS, ids=[expression for expression, _ in ERRORS])
def test_error(ask, expression, words):
    done = ask(f"SELECT {expression}", check=False)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("Error: ") and words in done.stderr.decode()


def test_a_regular_expression_cannot_run_for_ever(ask):
    done = ask("SELECT regex_match(printf('%.*c', 40, 'a'), '(a+)+b', 0)", check=False)
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("collation, smaller, greater", [
    ("version", "1.9", "1.10"),
    ("version_dpkg", "2.0", "1:1.0"),
    ("version_rhel", "1.0~rc1", "1.0"),
    ("version_arch", "1.0", "1:0.1"),
])
def test_collation(ask, collation, smaller, greater):
    rows = ask(f"SELECT v FROM (SELECT '{greater}' AS v UNION SELECT '{smaller}') "
               f"ORDER BY v COLLATE {collation}")
    assert [row["v"] for row in rows] == [smaller, greater]
