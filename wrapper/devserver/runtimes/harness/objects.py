def names():
    return sorted(k for k, v in ns.items() if k not in initial and not k.startswith('_') and not isinstance(v, types.ModuleType))


def need_dill():
    try:
        import dill
    except ImportError:
        raise ValueError('objects and snapshots need the Python package dill, which %s does not have' % sys.executable)
    return dill


def save_workspace(path):
    """Writes all names in one pickle, so that shared references survive; returns what has no pickled form."""
    dill = need_dill()
    d = {k: v for k, v in ns.items() if k not in initial and not k.startswith('_')}
    skipped = []
    try:
        data = dill.dumps(d)
    except Exception:
        for k in sorted(d):
            try:
                dill.dumps(d[k])
            except Exception as e:
                skipped.append('%s: %s' % (k, e))
                del d[k]
        data = dill.dumps(d)
    with open(path, 'wb') as f:
        f.write(data)
    return skipped


def operate(q):
    id, op = q['id'], q['op']
    if op == 'parse':
        return reply(id, status=status(q['code']))
    if op == 'complete':
        return reply(id, names=complete(q['code']))
    if op == 'ls':
        return reply(id, names=names())
    if op in ('get', 'rm') and (q['name'] not in ns or q['name'] in initial):
        return reply(id, missing=True)
    if op == 'get':
        data = need_dill().dumps(ns[q['name']])
        with open(q['path'], 'wb') as f:
            f.write(data)
    elif op in ('set', 'model'):
        with open(q['path'], 'rb') as f:
            ns[q['name']] = need_dill().load(f)
    elif op == 'rm':
        del ns[q['name']]
    elif op == 'save':
        return reply(id, skipped=save_workspace(q['path']))
    elif op == 'load':
        with open(q['path'], 'rb') as f:
            d = need_dill().load(f)
        if not isinstance(d, dict):
            raise ValueError('the file holds no workspace but a %s' % type(d).__name__)
        ns.update(d)
    elif op == 'home':
        global home
        os.chdir(q['dir'])
        home = os.getcwd()
        os.environ.update(q['env'])
    else:
        raise ValueError('unknown operation %s' % op)
    reply(id)
