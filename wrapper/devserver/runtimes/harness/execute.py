# The user's namespace is a module of its own, so that pickling, dill and multiprocessing find what is defined in it.
main = types.ModuleType('__main__')
sys.modules['__main__'] = main
ns = main.__dict__
ns['__builtins__'] = builtins
initial = frozenset(ns)
sys.path[0] = ''
arguments, sys.argv = sys.argv[1:], ['']
home = os.getcwd()

futures = 0
for name in __future__.all_feature_names:
    futures |= getattr(__future__, name).compiler_flag
flags = 0  # "from __future__" holds for the rest of the session
cells = []


def compiled(code, filename):
    """Each statement on its own, in the mode of the prompt: expressions show their values."""
    global flags
    tree = compile(code, filename, 'exec', ast.PyCF_ONLY_AST | flags, dont_inherit=True)
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)  # for tracebacks
    for statement in tree.body:
        c = compile(ast.Interactive([statement]), filename, 'single', flags, dont_inherit=True)
        flags |= c.co_flags & futures
        yield c


last_call = (None, None)  # a service runs the same code again and again


def program(q):
    global last_call
    code = q['code']
    if q['fresh']:
        if last_call[0] != code:
            last_call = (None, None)
            last_call = (code, list(compiled(code, '<service>')))
        return last_call[1]
    cells.append('<cell %d>' % (int(cells[-1][6:-1]) + 1 if cells else 1))
    if len(cells) > 1000:
        linecache.cache.pop(cells.pop(0), None)
    return list(compiled(code, cells[-1]))


class Cancelled(BaseException):
    """Ends an execution whose interrupt hit a child process only."""


def execute(q):
    """Runs the code and prints what the prompt would; returns kind and text of the error."""
    running = False
    try:
        try:
            statements = program(q)
            running = True
            for c in statements:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                exec(c, ns)
                if os.path.exists(q['cancelled']):
                    raise Cancelled
            return '', '', None
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except BaseException:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        kind, exception, tb = sys.exc_info()
    if kind is Cancelled:
        return 'interrupt', 'KeyboardInterrupt', None
    last = traceback.format_exception_only(kind, exception)
    if not running and issubclass(kind, (SyntaxError, ValueError, OverflowError)):
        write(last)
        return ('incomplete' if status(q['code']) == 'incomplete' else 'syntax'), last[-1].strip(), None
    if issubclass(kind, SystemExit):
        return 'exit', last[-1].strip(), leave(exception, last)
    shown = traceback.TracebackException(kind, exception, tb)
    shown.stack = traceback.StackSummary.from_list([f for f in shown.stack if f.filename != __file__])
    write(list(shown.format()))
    return ('interrupt' if issubclass(kind, KeyboardInterrupt) else 'error'), last[-1].strip(), None


def leave(exception, last):
    """The status that the code asks to end with. Here nobody leaves."""
    write(last)


def write(lines):
    try:
        sys.stderr.write(''.join(lines))
    except Exception:  # closed or replaced by the user
        try:
            sys.stdout.flush()
        except Exception:
            pass
        os.write(screen, ''.join(lines).encode('utf-8', 'backslashreplace'))


def status(code):
    """Whether code is complete as typed at the prompt: a block waits for an empty line."""
    try:
        return 'incomplete' if codeop.compile_command(code, '<stdin>', 'single') is None else 'complete'
    except (SyntaxError, ValueError, OverflowError) as e:
        if 'multiple statements' not in str(e):
            return 'invalid'
    try:
        return 'incomplete' if codeop.compile_command(code, '<stdin>', 'exec') is None else 'complete'
    except (SyntaxError, ValueError, OverflowError):
        return 'invalid'


def save_plots():
    pyplot = sys.modules.get('matplotlib.pyplot')
    if pyplot is None:
        return
    page = 0
    for number in pyplot.get_fignums():
        while True:
            page += 1
            path = os.path.join(home, 'plot%03d.png' % page)
            if not os.path.exists(path):
                break
        pyplot.figure(number).savefig(path)
    pyplot.close('all')


asking = None  # the execution that runs, which may ask the program: see host()


def perform(q):
    global asking
    open_console()
    kept, here = (dict(ns), os.getcwd()) if q['fresh'] else (None, None)
    kind = error = ''
    left = None
    outputs = []
    try:
        try:
            for i in q['inputs']:
                ns[i['name']] = take(i['type'], i['value'])
        except Exception as e:
            kind, error = 'input', 'input "%s": %s' % (i['name'], e)
        else:
            asking = q
            kind, error, left = execute(q)
            asking = None
        open_console()
        try:
            save_plots()
        except Exception as e:
            write(['plot: %s\n' % e])
        if not kind:
            for o in q['outputs']:
                outputs.append(output(o))
    finally:
        if kept is not None:
            # A call sees workspace and directory as they were for the first, and leaves them so.
            try:
                os.chdir(here)
            except OSError:  # it is gone
                pass
            for name in [n for n in ns if n not in kept]:
                del ns[name]
            ns.update(kept)
    if os.getpid() != PID:  # a fork of the user's code
        os._exit(0)
    mark(q['mark'])
    reply(q['id'], kind=kind, error=error, status=left or '', outputs=outputs)


def output(o):
    try:
        if o['name'] not in ns:
            return {'problem': 'the code did not assign it'}
        return {'value': give(o['type'], ns[o['name']])}
    except Exception as e:
        return {'problem': str(e) or type(e).__name__}
