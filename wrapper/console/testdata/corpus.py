1 + 1
#%%
x = 5
x
#%%
0.1 + 0.2; 1e16; 1e-5; 10 ** 20; 7 // 2; -7 // 2; 7 % -3; 1 / 3
#%%
True; None; not True; None is None; ...
#%%
'text'; "it's"; 'say "hi"'; 'a\tb\n'; r'\d'; b'bytes\x00\xff'; bytearray(b'ab')
#%%
'é'; '日本語'; '😀'; 'a\u0308'; '\u200b'; '\x01'; ascii('é'); 'straße'.upper()
#%%
[1, 'two', 3.0, None, [4]]; (1,); (); {1, 2}; set(); frozenset([1]); {}; {'a': 1, 'b': [2]}
#%%
list(range(40))
#%%
[x ** 2 for x in range(5)]; {k: v for k, v in zip('ab', (1, 2))}; (i for i in ()).__class__; sum(i for i in range(10))
#%%
complex(1, -2); 3 + 4j; abs(3 + 4j); (1 + 2j).conjugate()
#%%
int('42'); float('inf'); -float('inf'); float('nan'); int(3.9); round(2.5); round(2.675, 2); divmod(7, 2); 0xff; 0b101; 1_000
#%%
print('a', 'b', sep='-', end='!\n'); print(); print(1, None, True, [1.0])
#%%
print('no newline at the end', end='')
#%%
import sys; print('to the error output', file=sys.stderr); print('to the output'); sys.stdout.write('written\n')
#%%
_ = sys.stderr.write('one\n'); print('two'); _ = sys.stderr.write('three\n'); print('four')
#%%
6 * 7
_
_ + 1
_
#%%
f'{3.14159:.2f} {"x":>5} {42:05d} {1e6:,.0f} {0.5:%} {"é"!r}'; '%s %5.1f' % ('a', 2.25); '{0} {name}'.format(1, name='n')
#%%
'a,b'.split(','); ' x '.strip(); 'abc'[::-1]; 'abc'[1]; 'x' * 5; 'a' in 'abc'; '-'.join(['a', 'b']); 'hello world'.title(); 'abc'.find('z')
#%%
if True:
    print('in a block')
    'a value in a block'

#%%
for i in range(3):
    print(i)
    i * 10

#%%
while False:
    pass
else:
    'else of a loop'

#%%
def f(x, *args, y=2, **kw):
    """What it does."""
    return x + y

f(1); f.__doc__; f.__name__
#%%
def g(n):
    if n == 0:
        return 'bottom'
    return g(n - 1)

g(3)
#%%
g = lambda x: x * 2; g(4); (lambda: None)(); list(map(g, [1, 2])); sorted('bca', key=lambda c: -ord(c))
#%%
class P:
    def __init__(self, x):
        self.x = x
    def __repr__(self):
        return '<P %r>' % self.x

P(1); [P(2), P('é')]; print(P(3)); P(4).x
#%%
class Q:
    def __str__(self):
        return 'as text'

print(Q()); str(Q())
#%%
class R(P):
    def __eq__(self, other):
        return True

R(1) == 5; isinstance(R(1), P); issubclass(R, P); R.__mro__
#%%
class Odd:
    def __repr__(self):
        return 'a\nb'

Odd()
#%%
from collections import OrderedDict, Counter, defaultdict, namedtuple, deque
Counter('abca'); OrderedDict(a=1); defaultdict(int, a=1); namedtuple('N', 'a b')(1, 2); deque([1, 2], maxlen=3)
#%%
import math, datetime, decimal, fractions
math.pi; math.sqrt(2); math.factorial(20); math.inf
datetime.date(2020, 2, 29); datetime.timedelta(days=1, hours=2); datetime.datetime(2020, 1, 2, 3, 4, 5); str(datetime.date(2020, 2, 29))
decimal.Decimal('0.1') + decimal.Decimal('0.2'); fractions.Fraction(1, 3) + 1
#%%
import json, re
json.dumps({'é': [1, None, True]}); json.loads('{"a": 1.0}'); re.findall(r'\d+', 'a1b22'); re.match('a', 'abc'); re.sub('(a)(b)', r'\2\1', 'ab')
#%%
import random
random.seed(42); random.random(); random.randint(1, 100); random.sample(range(10), 3); random.shuffle([1, 2])
#%%
import os
os.system('echo from the shell'); os.system('exit 3'); os.path.join('a', 'b'); os.path.basename('/x/y.txt')
#%%
import subprocess
subprocess.run(['echo', 'from a child']); subprocess.check_output(['echo', 'kept']); subprocess.call('echo to stderr >&2', shell=True)
#%%
print('before'); os.system('echo in the middle'); print('after')
#%%
import textwrap, pprint, itertools, functools
textwrap.fill('word ' * 20, 30); pprint.pprint({'a': list(range(20)), 'b': 'x' * 60}); list(itertools.permutations('abc', 2)); functools.reduce(lambda a, b: a * b, range(1, 6))
#%%
import warnings
warnings.simplefilter('always')
warnings.warn('careful')
#%%
def noisy():
    warnings.warn('from a function', DeprecationWarning)
    return 1

noisy()
#%%
a, *b = range(4); a; b; (c := 5); c; a, b = b, a; a
#%%
x = y = []; x.append(1); y; x is y; id(x) == id(y)
#%%
assert True; pass
global z
z = 3
z
#%%
[1, 2,
 3]
{'a': 1,
 'b': 2}
('x'
 'y')
#%%
1 + \
2
#%%
'''three
lines
of text'''
#%%
"""a
b"""; """quoted "text" here"""
#%%
# a comment alone
5  # a comment behind
#%%
try:
    1 / 0
except ZeroDivisionError as e:
    print('caught', e)
finally:
    print('finally')

#%%
with open(os.devnull) as f:
    f.read()

#%%
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as s:
    print('hidden')

s.getvalue()
#%%
@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

fib(50); fib.cache_info()
#%%
match_me = 3
match match_me:
    case 3:
        'three'
    case _:
        'other'

#%%
def gen():
    yield 1
    yield 2

list(gen()); next(gen()); [*gen(), 3]; {**{'a': 1}, 'b': 2}
#%%
async def co():
    return 5

import asyncio
asyncio.run(co())
#%%
type(1); type('a'); type(None); int; str.__name__; len; print.__name__; type(f)
#%%
dir([])[:3]; hasattr('a', 'upper'); getattr('a', 'upper')(); callable(len); vars(P(1)); bool([]); any([0, 1]); all([])
#%%
sorted([3, 1, 2], reverse=True); max('abc'); min([4, 2]); list(enumerate('ab')); list(zip([1, 2], 'ab')); list(reversed([1, 2])); sum([0.1] * 10); list(filter(None, [0, 1]))
#%%
'nan' == float('nan'); float('nan') == float('nan'); 1 == 1.0; '1' == 1; 1 < 2 < 3; [1, 2] < [1, 3]; None or 'default'; 0 and 1
#%%
2 ** 100; -2 ** 2; 10 ** -2; 1 << 10; 5 & 3; 5 ^ 3; ~5; hex(255); bin(5); oct(8); ord('é'); chr(26085)
#%%
bytes(3); 'é'.encode(); b'\xc3\xa9'.decode(); 'é'.encode('latin1'); memoryview(b'ab')[0]; int.from_bytes(b'\x01\x00', 'big'); (258).to_bytes(2, 'big')
#%%
slice(1, 2); range(5); range(0, 10, 2); iter([]).__class__; zip().__class__; Ellipsis; NotImplemented
#%%
l = [1, 2, 3, 4]; l[1:3] = ['x']; l; del l[0]; l; l.sort(key=str); l; l.index(4); l.pop(); l * 2; l + ['z']
#%%
d = {'a': 1}; d['b'] = 2; d.get('z'); d.pop('a'); d; d.setdefault('c', []).append(1); d; list(d.items()); 'b' in d; d | {'q': 1}
#%%
import numpy as np
np.arange(12).reshape(3, 4); np.array([1.5, np.nan, np.inf]); np.float64(1.5); np.linspace(0, 1, 5); np.zeros((2, 2)); np.array(['a', 'bb']); np.array([])
#%%
np.arange(2000); np.eye(3); np.array([1, 2]) + 1; np.array([[1, 2], [3, 4]]) @ np.array([1, 1]); np.mean([1, 2, 3]); np.random.RandomState(0).rand(3)
#%%
np.array([1, 2, 3]) / 0
#%%
import pandas as pd
df = pd.DataFrame({'stadt': ['Köln', '東京', None], 'n': [1.5, 22, np.nan], 'd': pd.to_datetime(['2020-01-01', '2020-02-29', None])})
df; df.dtypes; df.describe(); df['n']; df.shape; df.isna().sum()
#%%
pd.DataFrame(np.arange(300).reshape(100, 3), columns=list('abc'))
#%%
pd.DataFrame(np.arange(60).reshape(2, 30)); pd.Series([1, 2], index=['a', 'b'], name='s'); pd.DataFrame(); pd.Index([1, 2]); pd.Timestamp('2020-01-01')
#%%
df.groupby('stadt').n.mean(); pd.crosstab(df.stadt, df.n > 2); df.to_csv(index=False); print(df.to_string())
#%%
from dataclasses import dataclass
@dataclass
class D:
    a: int
    b: str = 'x'

D(1); D(1) == D(1); D('é', b='y')
#%%
import enum
class Color(enum.Enum):
    RED = 1

Color.RED; Color['RED']; print(Color.RED); list(Color)
#%%
Exception('a'); ValueError(); KeyError('k'); str(KeyError('k')); ExceptionGroup('g', [ValueError(1)]) if sys.version_info >= (3, 11) else 'old'
#%%
import time
time.sleep(0.01); time.strftime('%Y', time.gmtime(0)); isinstance(time.time(), float)
#%%
print('carriage\rreturn'); print('\x1b[31mred\x1b[0m'); print('tab\tstop'); print('bell\a')
#%%
print('é日本😀'); print('é'.encode()); sys.stdout.encoding; print(*'abc', sep='\n'); print('a' * 200)
#%%
for i in range(300): _ = sys.stdout.write('%d ' % i)

print()
#%%
exec('y = 1; print(y)'); eval('y + 1'); compile('1', 'f', 'eval').co_filename; globals()['y']; 'y' in locals(); __name__
#%%
x: int = 3; x; def_ = 1; definite = 2; definite; iffy = 3; iffy; classy = 4; classy
#%%
1; 2; 'three'; print('four')
#%%
del definite; x = None; x; [None]; print(None)
#%%
help_text = 'x'; 'end'; import this as _zen
#%%
nosuchname
#%%
1 / 0; 'not reached'
'but in the next'
#%%
def outer():
    return inner()

def inner():
    raise ValueError('deep down')

outer()
#%%
raise RuntimeError('typed at the prompt')
#%%
int('x'); 'a' + 1
'a' + 1
[][0]; {}['k']
{}['k']
None.x
len(5)
f(); f(1, 2, 3, z=4)
#%%
try:
    {}['first']
except KeyError as e:
    raise ValueError('second') from e

#%%
try:
    1 / 0
except ZeroDivisionError:
    nosuch

#%%
assert 1 == 2, 'they differ'
#%%
raise KeyError
#%%
class Mine(Exception):
    pass

raise Mine('of my own', 1)
#%%
import nosuchmodule
#%%
from os import nosuch
#%%
def r(n):
    return r(n + 1)

r(0)
#%%
open('/nosuch/file')
#%%
subprocess.run(['false'], check=True)
#%%
def broken) :
#%%
1 + + 
#%%
x = (1, 2))
#%%
 indented
#%%
'abc
#%%
return 5
#%%
f(1, x=2, 3)
#%%
object()
