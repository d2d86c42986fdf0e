//! The functions, family by family: what the documentation of the language and of Kubernetes says of them.

use super::{all_say, said};

#[test]
fn texts() {
    all_say(
        "true",
        &[
            "'tacocat'.charAt(3) == 'o' && 'abc'.charAt(3) == ''",
            "'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')",
            "'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('ello', 2) == 7",
            "'hello mellow'.indexOf('jello') == -1 && 'hello mellow'.indexOf('') == 0",
            "'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1",
            "'hello mellow'.lastIndexOf('') == 12 && 'äöü'.indexOf('ü') == 2",
            "['hello', 'mellow'].join() == 'hellomellow' && ['a', 'b'].join(' ') == 'a b' && [].join('/') == ''",
            "'TacoCät'.lowerAscii() == 'tacocät' && 'taco'.upperAscii() == 'TACO'",
            "'hello hello'.replace('he', 'we') == 'wello wello'",
            "'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'aa'.replace('a', 'b', 0) == 'aa'",
            "'hello hello'.replace('he', 'we', -1) == 'wello wello' && 'ab'.replace('', '_') == '_a_b_'",
            "'a b c'.split(' ') == ['a', 'b', 'c'] && 'a b c'.split(' ', 2) == ['a', 'b c']",
            "'a b'.split(' ', 0) == [] && 'ab'.split('') == ['a', 'b'] && 'a b'.split(' ', -1) == ['a', 'b']",
            "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
            "'  trim\\n '.trim() == 'trim'",
            "strings.quote('a\"b') == '\"a\\\\\"b\"'",
            "'a.b'.matches('^[a-z][.][a-z]$') && matches('abc', 'b') && !'abc'.matches('^b')",
            "'abc 123 def 456'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
            "'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]', 2) == ['1', '2']",
            "'a1'.matches('^' + '[a-z]' + '[0-9]$')",
        ],
    );
    assert_eq!(said("'abc'.charAt(4) == ''"), "error: index out of range: 4");
    assert_eq!(
        said("'abc'.substring(2, 1) == ''"),
        "error: substring: it would end at 1, before it starts at 2"
    );
    assert_eq!(said("'abc'.substring(-1) == ''"), "error: index out of range: -1");
    assert_eq!(said("'a'.contains(dyn(1))"), "error: no such overload: contains of string, int");
}

#[test]
fn formats() {
    all_say(
        "true",
        &[
            "'%s has %d of %s'.format([dyn('web'), 3, true]) == 'web has 3 of true'",
            "'%s'.format([[dyn(1), 'a', true, 0.5, null, b'x']]) == '[1, \"a\", true, 0.500000, null, b\"x\"]'",
            "'%.2f %f'.format([1.005, 1234567.0]) == '1.00 1,234,567.000000' && '%.0f'.format([-1234.0]) == '-1,234'",
            "'%x %X %o %b'.format([255, 255, 8, 5]) == 'ff FF 10 101' && '%x'.format(['hi']) == '6869'",
            "'%b%%'.format([true]) == '1%' && '%s'.format([null]) == 'null'",
            "'%s'.format([{'b': dyn(1), 'a': [2]}]) == '{\"a\":[2], \"b\":1}'",
            "'%s %s'.format([dyn(duration('90s')), timestamp('2027-01-31T00:00:00Z')]) == '90s 2027-01-31T00:00:00Z'",
            "'%s'.format([[duration('90s')]]) == '[duration(\"90s\")]' && '%s'.format([1e6]) == '1e+06'",
            "'%d'.format([-5]) == '-5' && '%x'.format([-255]) == '-ff' && '%s'.format([int]) == 'int'",
        ],
    );
    assert_eq!(said("'%e'.format([1.0]) == ''"), "unknown: how %e shows double is not known here");
    assert_eq!(said("'%f'.format([1]) == ''"), "error: format: %f is not for a int");
    assert_eq!(said("'%s'.format([]) == ''"), "error: format: there are more clauses than values");
    assert_eq!(said("'x'.format([1]) == ''"), "error: format: there are more values than clauses");
    assert_eq!(said("'%d'.format(['a']) == ''"), "error: format: %d is not for a string");
}

#[test]
fn lists_and_sets() {
    all_say(
        "true",
        &[
            "[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [].isSorted()",
            "[1, 3].sum() == 4 && [1.0, 3.0].sum() == 4.0 && [].sum() == 0 && [duration('1s')].sum() == duration('1s')",
            "[1, 3].min() == 1 && ['b', 'a'].max() == 'b'",
            "[1, 2, 2, 3].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && ['a'].indexOf('x') == -1",
            "sets.contains([1, 2, 3], [2, 3]) && sets.contains([1], []) && !sets.contains([1], [2])",
            "sets.equivalent([1, 2], [dyn(2u), 1.0, 1]) && !sets.equivalent([1], [1, 2])",
            "sets.intersects([1], [1, 2]) && !sets.intersects([], [1])",
        ],
    );
    assert_eq!(said("[].min() == 1"), "error: min and max of an empty list are nothing");
    assert_eq!(said("[dyn(1), 'a'].max() == 1"), "error: string and int have no order");
}

#[test]
fn quantities() {
    all_say(
        "true",
        &[
            "quantity('1Gi') == quantity('1024Mi') && quantity('500m').isLessThan(quantity('1'))",
            "quantity('2').isGreaterThan(quantity('1')) && quantity('1').compareTo(quantity('1000m')) == 0",
            "quantity('1').compareTo(quantity('2')) == -1 && quantity('3').compareTo(quantity('2')) == 1",
            "isQuantity('1.3Gi') && !isQuantity('1.3 Gi') && !isQuantity('')",
            "quantity('50000').isInteger() && quantity('50k').asInteger() == 50000 && !quantity('500m').isInteger()",
            "quantity('500m').asApproximateFloat() == 0.5",
            "quantity('1').add(quantity('500m')) == quantity('1500m') && quantity('50k').sub(20) == quantity('49980')",
            "quantity('-1').sign() == -1 && quantity('0').sign() == 0",
            "quantity(object.spec.containers[0].cpu).isLessThan(quantity('1'))",
        ],
    );
    assert_eq!(
        said("quantity('x') == quantity('1')"),
        "error: quantity: `x` is none, such as 500m or 1Gi"
    );
    assert_eq!(
        said("quantity('500m').asInteger() == 0"),
        "error: asInteger: the quantity is no whole number of 64 bits"
    );
    assert_eq!(
        said("quantity('1') < quantity('2')"),
        "refused at line 1, column 15: `<` is not for kubernetes.Quantity and kubernetes.Quantity"
    );
}

#[test]
fn addresses() {
    all_say(
        "true",
        &[
            "ip('127.0.0.1').isLoopback() && ip('::1').isLoopback() && ip('127.0.0.1').family() == 4",
            "isIP('::ffff') && !isIP('::ffff:1.2.3.4') && !isIP('010.0.0.1') && !isIP('fe80::1%eth0')",
            "ip('2001:db8::abcd') == ip('2001:DB8::ABCD') && ip.isCanonical('2001:db8::abcd')",
            "!ip.isCanonical('2001:DB8::ABCD') && ip('0.0.0.0').isUnspecified()",
            "ip('224.0.0.1').isLinkLocalMulticast() && ip('169.254.169.254').isLinkLocalUnicast()",
            "ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()",
            "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && cidr('192.168.0.0/24').containsIP('192.168.0.1')",
            "!cidr('192.168.0.0/24').containsIP('192.168.1.1') && cidr('0.0.0.0/0').containsIP('8.8.8.8')",
            "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
            "cidr('192.168.3.7/24').masked() == cidr('192.168.3.0/24') && cidr('::1/128').prefixLength() == 128",
            "cidr('192.168.0.0/24').ip() == ip('192.168.0.0') && string(cidr('10.0.0.0/8')) == '10.0.0.0/8'",
            "isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0/08') && !isCIDR('10.0.0.0')",
            "string(ip('::1')) == '::1' && type(ip('::1')) == net.IP",
        ],
    );
    assert_eq!(said("ip('x') == ip('::1')"), "error: ip: the text is no address");
}

#[test]
fn urls() {
    all_say(
        "true",
        &[
            "url('https://example.com:80/').getHost() == 'example.com:80'",
            "url('https://example.com:80/').getHostname() == 'example.com' && url('https://example.com:80/').getPort() == '80'",
            "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getHost() == '[::1]:80'",
            "url('HTTPS://example.com').getScheme() == 'https' && url('/path').getScheme() == ''",
            "url('https://example.com/with space').getEscapedPath() == '/with%20space'",
            "url('https://example.com/p?k=v%20w&k=x&l').getQuery() == {'k': ['v w', 'x'], 'l': ['']}",
            "url('/absolute').getHostname() == '' && url('https://example.com').getPort() == ''",
            "isURL('https://user:pw@example.com:80/path?x=1#f') && isURL('/a') && !isURL('a/b') && !isURL('../x')",
            "!isURL('https://a:b:c/') && !isURL('') && !isURL('https://exa mple.com/') && !isURL(':x')",
        ],
    );
    assert_eq!(
        said("url('../x').getHost() == ''"),
        "error: url: the text is neither an absolute URL nor a path"
    );
}

#[test]
fn versions() {
    all_say(
        "true",
        &[
            "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
            "semver('1.0.0-alpha').isLessThan(semver('1.0.0')) && semver('2.0.0').isGreaterThan(semver('1.9.9'))",
            "semver('1.2.3').compareTo(semver('1.2.3')) == 0 && semver('1.2.3') == semver('1.2.3+build')",
            "isSemver('1.2.3') && !isSemver('v1.2') && isSemver('v1.2', true) && !isSemver('1.2')",
            "semver('v01.2', true) == semver('1.2.0') && !isSemver('latest', true)",
        ],
    );
}

#[test]
fn times() {
    all_say(
        "true",
        &[
            "duration('1h30m') == duration('90m') && duration('1.5s') + duration('500ms') == duration('2s')",
            "duration('1h').getMinutes() == 60 && duration('-1s') < duration('0')",
            "timestamp('2027-01-31T10:20:30Z').getFullYear() == 2027 && timestamp('2027-01-31T10:20:30Z').getMonth() == 0",
            "timestamp('2027-01-31T10:20:30Z').getDate() == 31 && timestamp('2027-01-31T10:20:30Z').getDayOfMonth() == 30",
            "timestamp('2027-01-31T10:20:30Z').getDayOfWeek() == 0 && timestamp('2027-01-31T10:20:30Z').getDayOfYear() == 30",
            "timestamp('2027-01-31T23:20:30Z').getHours('+02:00') == 1 && timestamp('2027-01-31T23:20:30Z').getSeconds() == 30",
            "timestamp('2027-01-31T00:00:00Z') - timestamp('2027-01-30T00:00:00Z') == duration('24h')",
            "timestamp('2027-01-31T00:00:00Z') + duration('1h') > timestamp('2027-01-31T00:00:00Z')",
        ],
    );
    assert_eq!(
        said("timestamp('2027-01-31T00:00:00Z').getHours('Europe/Berlin') == 1"),
        "unknown: the time zone `Europe/Berlin` is not known here"
    );
    assert_eq!(
        said("timestamp('x' + 'y') == timestamp(0)"),
        "error: timestamp: `xy` is none, such as 2027-01-31T00:00:00Z"
    );
}

#[test]
fn nobody_answers_for_the_authorizer() {
    let asked = "authorizer.group('').resource('pods').namespace('x').check('create').allowed()";
    assert_eq!(said(asked), "unknown: not known here");
    assert_eq!(said(&format!("false && {asked}")), "false");
    assert_eq!(said(&format!("{asked} || true")), "true");
}

#[test]
fn named_formats() {
    all_say(
        "true",
        &[
            "!format.dns1123Label().validate('web-1').hasValue()",
            "format.dns1123Label().validate('Web').hasValue()",
            "format.dns1123Label().validate('web.a').hasValue()",
            "!format.dns1123Subdomain().validate('web.a').hasValue()",
            "format.dns1035Label().validate('1web').hasValue()",
            "!format.dns1123LabelPrefix().validate('web-').hasValue()",
            "format.dns1123SubdomainPrefix().validate('-').hasValue()",
            "!format.qualifiedName().validate('example.com/My_Name').hasValue()",
            "format.qualifiedName().validate('a/b/c').hasValue()",
            "!format.labelValue().validate('').hasValue() && format.labelValue().validate('-a').hasValue()",
            "!format.uri().validate('https://a.example.com/b').hasValue()",
            "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
            "format.uuid().validate('123e4567').hasValue()",
            "!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('a').hasValue()",
            "!format.date().validate('2027-01-31').hasValue() && format.date().validate('2027-02-31').hasValue()",
            "!format.datetime().validate('2027-01-31T00:00:00Z').hasValue()",
            "format.named('dns1123Label').hasValue() && !format.named('none').hasValue()",
            "format.named('dns1123Label').value() == format.dns1123Label()",
            "format.dns1123Label().validate('A').value().size() == 1",
            "'%d'.format([1]) == '1'",
        ],
    );
}
