"""Velocity as mapping templates use it, and its bounds."""

from typing import Any

import pytest

from stoker.apis.rest.vtl.budget import TemplateError
from stoker.apis.rest.vtl.evaluation import evaluate
from stoker.apis.rest.vtl.parser import parse
from stoker.apis.rest.vtl.scanner import TemplateSyntaxError


def render(template: str, **names: Any) -> str:
    return evaluate(parse(template), names)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$a $!a ${a}b $!{a}", "1 1 1b 1"),
        ("$none $!none ${none} $!{none} $none.x.y()", "$none  ${none}  $none.x.y()"),
        ("$5.00 # \\$a \\# a$ #b", "$5.00 # $a # a$ #b"),
        ("$a. $map.k. $map.k, $map['k'] $list[1]", "1. v. v, v y"),
        ("#if($a == 1)yes#end#if($a != 1)no#{else}else#end", "yeselse"),
        ("#if($a>1)a#elseif($a eq 1 && !$none)b#else c#end", "b"),
        ("#if($none || false)a#end#if($list.isEmpty() or $map.empty)b#end", ""),
        ("#foreach($i in $list)$i#if($foreach.hasNext), #end#end", "x, y"),
        ("#foreach($i in [1..4])#if($i == 3)#break#end$i/$velocityCount #end.", "1/1 2/2 ."),
        ("#foreach($k in $map.keySet())$k=$map.get($k)#end", "k=v"),
        ("#foreach($e in $map.entrySet())$e.key:$e.value#end", "k:v"),
        ("#set($b = 2 * (3 + 4) % 5)$b #set($c = -7 / 2)$c", "4 -3"),
        ("#set($b = \"$a-${a}x 'q'\")$b", "1-1x 'q'"),
        ("#set($b = '$a \"q\"')$b", '$a "q"'),
        ("#set($b = {'x': [1, {'y': null}], 'z': 1.5})$b", "{x=[1, {y=null}], z=1.5}"),
        ("#set($b = [])#set($ok = $b.add(1))$b.size()#set($b[0] = 7)$b.get(0)", "17"),
        ("#set($map.new = true)$map.new $map.containsKey('new')", "true true"),
        ("a## comment $a\nb#* $a\n *#c", "abc"),
        ("#[[ $a #if ]]#", " $a #if "),
        ("#if(true)\n  x\n#end\ny", "  x\ny"),
        ("$text.toUpperCase().substring(0, 2) $text.length() $text.indexOf('b')", "A  5 2"),
        (
            r"$text.replaceAll('(a)(.)', '$2$1') $text.replaceAll('\s', '_') $text.replace('a', 'aa')",
            " ab,c a_b,c aa b,c",
        ),
        ("#foreach($p in $text.split('[ ,]'))<$p>#end", "<a><b><c>"),
        (
            "$text.matches('a.*') $text.contains('b,') $text.equals('x') $text.trim().startsWith('a')",
            "true true false true",
        ),
        ("#set($a = 5)$a#stop never", "5"),
    ],
)
def test_a_template_gives_what_velocity_gives(template: str, expected: str) -> None:
    names: dict[str, Any] = {"a": 1, "list": ["x", "y"], "map": {"k": "v"}, "text": "a b,c"}
    assert render(template, **names) == expected


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)",
        "#end",
        "#set($a)",
        "#set(a = 1)",
        "#foreach($a of $b)#end",
        "#if()#end",
        "#parse('x')",
        "#set($a = " + "9" * 5000 + ")",
        "#set($x = " + "(" * 5000,
    ],
)
def test_what_is_no_template_is_not_taken(template: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        parse(template)


@pytest.mark.parametrize(
    "template",
    [
        "#foreach($a in [1..900])#foreach($b in [1..900])$a#end#end",
        "#set($a = 'xxxxxxxxxxxxxxxx')#foreach($i in [1..40])#set($a = \"$a$a\")#end",
        "#set($a = 7)#foreach($i in [1..40])#set($a = $a * $a)#end",
        "#set($a = [1])#foreach($i in [1..60])#set($a = [$a, $a])#end$a",
        "#set($a = [1])#foreach($i in [1..60])#set($a = [$a, $a])#end#if($a == [$a])x#end",
        "#set($a = [])#set($b = $a.add($a))$a",
        "#set($a = [])#foreach($i in [1..900])#foreach($j in [1..60])#set($b = $a.add($text))#end#end$a",
        "#foreach($i in [1..900])#foreach($j in [1..60])#if($long.contains('b'))x#end#end#end",
        "#set($a = [])#set($b = $a.add(99999999999999999 * 99999999999, 1))",
        "#foreach($i in [1..100000])#end",
        "$text.matches('(a|aa)+[xy]')",
        "$text.replaceAll('a', $text)$text.replaceAll('a', $text.replaceAll('a', $text))",
    ],
)
def test_a_template_comes_to_its_end_soon(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, text="a" * 3_000, long="a" * 9_000_000)


@pytest.mark.parametrize(
    "reach",
    [
        "$text.__class__",
        "$text.format(1)",
        "$text.join($list)",
        "$map.pop('k')",
        "$map.__init__",
        "$list.sort()",
        "$list.__len__()",
    ],
)
def test_python_s_own_is_out_of_a_template_s_reach(reach: str) -> None:
    assert render(reach, text="a", list=[1], map={"k": 1}) == reach
