def importable(name):
    try:
        return __import__(name)
    except ImportError:
        return None


def take(type, value):
    """The Python value of an input. Its declared type was checked before it came here."""
    if value is None or type in ('', 'logical', 'character'):
        return value
    if type == 'numeric':
        return float(value)
    if type == 'integer':
        return int(value)
    if type == 'data.frame':
        pandas = importable('pandas')
        if pandas is None:
            raise ValueError('a data.frame needs the Python package pandas, which is not installed')
        return pandas.DataFrame({k: numbers(v) for k, v in value.items()})
    numpy = importable('numpy')
    if numpy is None:
        return value
    if type == 'matrix':
        return numpy.array([numbers(row) for row in value])
    return numpy.array(numbers(value))


def numbers(values):
    """null among numbers is NaN, as pandas has it; elsewhere it stays None."""
    if None in values and all(v is None or isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return [math.nan if v is None else v for v in values]
    return values


def plain(x):
    """A value as JSON has it. NaN, infinities and NaT become None."""
    if x is None or isinstance(x, (bool, str)):
        return str(x) if isinstance(x, str) else x
    if isinstance(x, int):
        return int(x)
    if isinstance(x, float):
        return float(x) if math.isfinite(x) else None
    numpy, pandas = sys.modules.get('numpy'), sys.modules.get('pandas')
    if pandas is not None:
        if isinstance(x, pandas.DataFrame):
            return {str(c): plain_list(x.iloc[:, i].tolist()) for i, c in enumerate(x.columns)}
        if isinstance(x, (pandas.Series, pandas.Index)) or hasattr(x, 'tolist') and isinstance(x, pandas.api.extensions.ExtensionArray):
            return plain_list(x.tolist())
        if x is pandas.NaT or x is getattr(pandas, 'NA', None):
            return None
    if numpy is not None:
        if isinstance(x, numpy.ndarray):
            if x.dtype.kind == 'M':
                x = x.astype('datetime64[us]')
            return plain(x.tolist())
        if isinstance(x, numpy.datetime64):
            return plain(x.astype('datetime64[us]').item())
        if isinstance(x, numpy.generic):
            item = x.item()
            return plain(float(x) if isinstance(item, numpy.generic) else item)
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, set, frozenset, range)):
        return plain_list(x)
    if isinstance(x, complex):
        return str(x)
    if isinstance(x, (bytes, bytearray)):
        return base64.b64encode(x).decode()
    if hasattr(x, 'isoformat'):
        return x.isoformat()
    raise TypeError('a value of type %s has no form in JSON' % type(x).__name__)


def plain_list(values):
    values = list(values)
    if all(type(v) is float for v in values):  # by far the most frequent long list
        return [v if math.isfinite(v) else None for v in values]
    return [plain(v) for v in values]


def give(type, x):
    """The JSON of an output with a declared type."""
    if type == '':
        return plain(x)
    v = plain(x)
    if type in ('numeric', 'integer', 'logical', 'character'):
        while isinstance(v, list) and len(v) == 1:
            v = v[0]
        if v is None:
            return None
        number = isinstance(v, (int, float)) and not isinstance(v, bool)
        if type == 'numeric' and isinstance(v, (int, float)):
            return v if number else int(v)
        if type == 'integer' and isinstance(v, (int, float)) and v == int(v):
            return int(v)
        if type == 'logical' and isinstance(v, bool):
            return v
        if type == 'character' and isinstance(v, (str, bool, int, float)):
            return str(v)
    elif type == 'vector':
        if not isinstance(v, dict) and v is not None:
            return v if isinstance(v, list) else [v]
    elif type == 'matrix':
        if isinstance(v, dict) and len({len(c) if isinstance(c, list) else -1 for c in v.values()} | {-1}) == 2:
            v = [list(row) for row in zip(*v.values())]
        if isinstance(v, list):
            if not any(isinstance(row, (list, dict)) for row in v):
                return [[e] for e in v]
            if all(isinstance(row, list) and len(row) == len(v[0]) for row in v):
                return v
    elif type == 'data.frame':
        pandas = sys.modules.get('pandas')
        if pandas is not None and isinstance(x, pandas.Series):
            return {str(x.name if x.name is not None else 0): v}
        if isinstance(v, list) and v and all(isinstance(row, dict) for row in v):
            columns = list(dict.fromkeys(k for row in v for k in row))
            return {c: [row.get(c) for row in v] for c in columns}
        if isinstance(v, list) and v and all(isinstance(row, list) and len(row) == len(v[0]) for row in v):
            return {str(i): list(c) for i, c in enumerate(zip(*v))}
        if isinstance(v, dict) and len({len(c) if isinstance(c, list) else -1 for c in v.values()}) <= 1:
            return {k: c if isinstance(c, list) else [c] for k, c in v.items()}
    else:
        raise TypeError('unknown type "%s" (known: logical, numeric, integer, character, vector, matrix, data.frame)' % type)
    raise TypeError('declared %s, got %s' % (type, describe(x)))


def describe(x):
    text = repr(x)
    if isinstance(x, (list, tuple, dict, set)) or len(text) > 60:
        shape = getattr(x, 'shape', None)
        size = 'of shape %s' % (shape,) if shape is not None else 'of length %d' % len(x) if hasattr(x, '__len__') else ''
        return ('a %s %s' % (type(x).__name__, size)).strip()
    return 'the %s value %s' % (type(x).__name__, text)
