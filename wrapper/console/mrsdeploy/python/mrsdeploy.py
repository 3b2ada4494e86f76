# mrsdeploy's functions for Python: the module mrsdeploy, and among the built-in names. They have the names, arguments and
# defaults that they have in R; rows of a batch are counted from 0.


def mrsdeploy_functions():
    import contextlib
    import inspect
    import tempfile
    import textwrap

    @contextlib.contextmanager
    def _scratch():
        fd, path = tempfile.mkstemp(prefix='mrsdeploy')
        os.close(fd)
        try:
            yield path
        finally:
            os.unlink(path)

    def _text(x, what):
        if not isinstance(x, str) or not x:
            raise TypeError('%s must be a text' % what)
        return x

    # Login and the two command lines.

    def remoteLogin(deployr_endpoint=None, session=True, diff=True, commandline=True, prompt='REMOTE> ', username=None, password=None):
        _login(deployr_endpoint, session, diff, commandline, prompt, username, password, None)

    def remoteLoginAAD(deployr_endpoint=None, authuri=None, tenantid=None, clientid=None, resource=None, session=True, diff=True,
                       commandline=True, prompt='REMOTE> ', username=None, password=None):
        _login(deployr_endpoint, session, diff, commandline, prompt, username, password,
               {'AuthURI': authuri, 'TenantID': tenantid, 'ClientID': clientid, 'Resource': resource})

    def _login(endpoint, session, diff, commandline, prompt, username, password, aad):
        host('login', endpoint=endpoint, session=session, commandline=commandline, prompt=prompt, username=username,
             password=password, aad=aad)
        if session and diff:
            _diff(False)

    def remoteLogout():
        host('logout')

    def remoteCommandLine(prompt='REMOTE> ', displayPlots=True, writePlots=False, recPlots=True):
        host('switch', remote=True, prompt=prompt)

    def resume():
        host('switch', remote=True)

    def pause():
        host('switch', remote=False)

    def diffLocalRemote():
        _diff(True)

    def _diff(always):
        question = host('environmentCode')
        found = {}
        exec(question['code'], found)
        a = host('diff', found={name: found[name] for name in question['outputs']})
        if always or a['differs']:
            print(a['report'], end='')

    # Objects are pickled by dill.

    def _names(obj):
        names = [obj] if isinstance(obj, str) else list(obj) if isinstance(obj, (list, tuple)) else []
        if not names or not all(isinstance(n, str) and n for n in names):
            raise TypeError("obj must name objects, as in ['x', 'y']")
        return names

    def _dump(value, name, path):
        dill = need_dill()
        try:
            data = dill.dumps(value)
        except Exception as e:
            raise TypeError('object %s cannot be serialized: %s' % (name, e)) from None
        with open(path, 'wb') as f:
            f.write(data)

    def putLocalObject(obj, name=None):
        found = _names(obj)
        for n in found:
            if n not in ns:
                raise NameError("name '%s' is not defined" % n)
        with _scratch() as path:
            if name is not None:
                _dump({n: ns[n] for n in found}, name, path)
                host('putIntoList', name=_text(name, 'name'), path=path)
                return
            for n in found:
                _dump(ns[n], n, path)
                host('putObject', name=n, path=path)

    def _fetch(name):
        with _scratch() as path:
            host('getObject', name=name, path=path)
            with open(path, 'rb') as f:
                return need_dill().load(f)

    def getRemoteObject(obj, name=None):
        got = {n: _fetch(n) for n in _names(obj)}
        if name is not None:
            got = {_text(name, 'name'): {**ns.get(name, {}), **got}}
        ns.update(got)

    def putLocalWorkspace():
        for n in names():
            putLocalObject(n)

    def getRemoteWorkspace():
        for n in host('listObjects')['names']:
            getRemoteObject(n)

    # Files of the remote session's working directory.

    def putLocalFile(filename):
        if not os.path.isfile(_text(filename, 'filename')):
            raise FileNotFoundError("file '%s' not found" % filename)
        host('putFile', path=os.path.abspath(filename))
        return True

    def getRemoteFile(filename, as_='text'):
        if as_ not in ('text', 'raw'):
            raise ValueError("as_ is 'text' or 'raw'")
        with _scratch() as path:
            host('getFile', name=_text(filename, 'filename'), path=path)
            with open(path, 'rb') as f:
                content = f.read()
        return content if as_ == 'raw' else content.decode()

    def listRemoteFiles():
        return host('listFiles')['names']

    def deleteRemoteFile(filename):
        host('deleteFile', name=_text(filename, 'filename'))
        return True

    # Snapshots.

    def createSnapshot(name=None):
        return host('createSnapshot', name=name)['id']

    def loadSnapshot(snapshot_id):
        host('loadSnapshot', id=_text(snapshot_id, 'snapshot_id'))
        return True

    def listSnapshots():
        return host('listSnapshots')['snapshots']

    def downloadSnapshot(snapshot_id, file=None):
        if file is not None:
            host('downloadSnapshot', name=_text(snapshot_id, 'snapshot_id'), path=os.path.abspath(file))
            return True
        with _scratch() as path:
            host('downloadSnapshot', name=_text(snapshot_id, 'snapshot_id'), path=path)
            with open(path, 'rb') as f:
                return f.read()

    def deleteSnapshot(snapshot_id):
        host('deleteSnapshot', id=_text(snapshot_id, 'snapshot_id'))
        return True

    # Code and scripts in the remote session.

    class Result(types.SimpleNamespace):
        pass

    def _inputs(inputs):
        if inputs is None:
            return ''
        if isinstance(inputs, dict):
            return json.dumps([{'name': k, 'value': plain(v)} for k, v in inputs.items()])
        return _text(inputs, 'inputs')

    def _execute(code, inputs, outputs, write):
        r = host('execute', code=code, inputs=_inputs(inputs), outputs=outputs, shown=True)
        if write and r['changedFiles']:
            host('fetchPlots', files=r['changedFiles'], dir=os.getcwd())
        return Result(**r)

    def remoteExecute(rcode, script=False, inputs=None, outputs=None, displayPlots=False, writePlots=False, recPlots=False):
        if script:
            return remoteScript(rcode, inputs, outputs, displayPlots, writePlots, recPlots)
        return _execute(_text(rcode, 'rcode'), inputs, outputs, writePlots)

    def remoteScript(name, inputs=None, outputs=None, displayPlots=True, writePlots=True, recPlots=True, async_=False,
                     closeOnComplete=False):
        with open(_text(name, 'name'), encoding='utf-8') as f:
            code = f.read()
        if not async_:
            return _execute(code, inputs, outputs, writePlots)
        return RemoteScript(host('detach', code=code, inputs=_inputs(inputs), outputs=outputs)['id'])

    class RemoteScript:
        """A script that runs in a session of its own. wait() shows what it prints, and closes the session."""

        def __init__(self, id):
            self.id = id

        def running(self):
            return host('detachedState', id=self.id)['running']

        def wait(self, close=True):
            return Result(**host('detachedWait', id=self.id, keep=not close))

    # Web services.

    _types = {float: 'numeric', int: 'integer', bool: 'logical', str: 'character', 'float': 'numeric', 'int': 'integer',
              'bool': 'logical', 'str': 'character', 'numpy.array': 'vector', 'numpy.ndarray': 'vector', 'numpy.matrix': 'matrix',
              'pandas.DataFrame': 'data.frame', list: 'vector'}

    def _declared(given):
        if given is None:
            return None
        if not isinstance(given, dict):
            raise TypeError("inputs and outputs must be a dictionary of types, such as {'x': 'numeric'}")

        def name(t):
            if isinstance(t, type) and t not in _types:
                t = {'ndarray': 'numpy.array', 'matrix': 'numpy.matrix', 'DataFrame': 'pandas.DataFrame'}.get(t.__name__, t.__name__)
            return _types.get(t, t)
        return {k: name(t) for k, t in given.items()}

    def _source(f):
        if f.__name__ == '<lambda>':
            raise TypeError('code must be a function with a name, not a lambda')
        return textwrap.dedent(inspect.getsource(f))

    def _stored(code, inputs, outputs):
        if code is None or isinstance(code, str):
            if code and '\n' not in code and code.endswith('.py'):
                with open(code, encoding='utf-8') as f:
                    return f.read()
            return code
        if not callable(code):
            raise TypeError('code must be a function, Python code or a .py file')
        if outputs and len(outputs) > 1:
            raise ValueError('a function has one output, not %d' % len(outputs))
        call = '%s(%s)' % (code.__name__, ', '.join(inputs or ()))
        return _source(code) + '\n\n' + ''.join('%s = ' % o for o in outputs or ()) + call

    def _called(value):
        """The name under which the code knows an object."""
        for k, v in ns.items():
            if v is value and not k.startswith('_'):
                return k
        return 'model'

    @contextlib.contextmanager
    def _service(name, v, code, init, model, objects, snapshot, inputs, outputs, artifacts, alias, descr, serviceType):
        with contextlib.ExitStack() as stack:
            service = {'name': _text(name, 'name'), 'v': v, 'alias': alias, 'descr': descr}
            paths = {}

            def put(k, value):
                paths[k] = stack.enter_context(_scratch())
                _dump(value, k, paths[k])
            if str(serviceType).lower() == 'realtime':
                if code is not None or snapshot is not None or inputs or outputs:
                    raise ValueError('a realtime service has a model and no code, snapshot, inputs or outputs')
                if isinstance(model, bytes):
                    paths['model'] = stack.enter_context(_scratch())
                    with open(paths['model'], 'wb') as f:
                        f.write(model)
                elif model is not None:
                    put('model', model)
                service['realtime'] = True
            elif str(serviceType).lower() != 'script':
                raise ValueError("serviceType is 'Script' or 'Realtime', not %r" % (serviceType,))
            else:
                if callable(code) and alias is None:
                    service['alias'] = code.__name__
                if model is not None:
                    put(_called(model), model)
                for k, value in (objects or {}).items():
                    put(k, value)
                service.update(code=_stored(code, inputs, outputs), snapshot=snapshot, inputs=_declared(inputs),
                               outputs=_declared(outputs), artifacts=[artifacts] if isinstance(artifacts, str) else artifacts)
                if init is not None:
                    service['initCode'] = init if isinstance(init, str) else _source(init) + '\n\n%s()' % init.__name__
            service['objects'] = paths
            yield service

    def publishService(name, code=None, model=None, snapshot=None, inputs={}, outputs={}, artifacts=None, v=None, alias=None,
                       destination=None, descr=None, serviceType='Script', objects=None, init=None):
        with _service(name, v, code, init, model, objects, snapshot, inputs, outputs, artifacts, alias, descr, serviceType) as s:
            if 'realtime' in s and not s['objects']:
                raise ValueError('a realtime service needs a model')
            if 'realtime' not in s and not s['code']:
                raise ValueError('code is needed: a function, Python code or a .py file')
            return _api(host('publish', **s), destination)

    def updateService(name, v, code=None, model=None, snapshot=None, inputs=None, outputs=None, artifacts=None, alias=None,
                      destination=None, descr=None, serviceType='Script', objects=None, init=None):
        if callable(code) and (inputs is None or outputs is None):
            old = host('getService', name=name, v=v)['service']
            if inputs is None:
                inputs = {p['name']: p['type'] for p in old['inputParameterDefinitions']}
            if outputs is None:
                outputs = {p['name']: p['type'] for p in old['outputParameterDefinitions']}
        with _service(name, v, code, init, model, objects, snapshot, inputs, outputs, artifacts, alias, descr, serviceType) as s:
            return _api(host('update', **s), destination)

    def getService(name, v=None, destination=None):
        return _api(host('getService', name=_text(name, 'name'), v=v), destination)

    def listServices(name=None, v=None):
        return host('listServices', name=name, v=v)['services']

    def deleteService(name, v):
        host('deleteService', name=_text(name, 'name'), v=_text(v, 'v'))
        return 'Service %s version %s deleted.' % (name, v)

    def configureServicePool(name, version, initialPoolSize=0, maxPoolSize=0):
        host('setPool', name=name, v=version, initial=initialPoolSize, most=maxPoolSize)
        return 200

    def getPoolStatus(name, version):
        return host('poolStatus', name=name, v=version)['nodes']

    def deleteServicePool(name, version):
        host('deletePool', name=name, v=version)
        return 200

    def _api(a, destination):
        api = Api(a['service'], a['address'])
        if destination is not None:
            os.makedirs(destination, exist_ok=True)
            with open(os.path.join(destination, 'swagger.json'), 'w', encoding='utf-8') as f:
                f.write(api.swagger())
        return api

    class Api:
        """A service: consume, or the alias, calls it."""

        def __init__(self, service, address):
            self._service, self._address = service, address
            self._inputs = [p['name'] for p in service['inputParameterDefinitions']]
            self.name, self.version = service['name'], service['version']
            alias = service['operationId']
            if alias and alias not in ('consume', 'ConsumeWebService') and not hasattr(self, alias):
                setattr(self, alias, self.consume)

        def consume(self, *args, **inputs):
            if len(args) > len(self._inputs):
                raise TypeError('%s takes %d inputs, not %d' % (self.name, len(self._inputs), len(args)))
            for name, value in zip(self._inputs, args):
                if name in inputs:
                    raise TypeError('input %r is given twice' % name)
                inputs[name] = value
            return Response(host('consume', name=self.name, v=self.version, inputs=inputs))

        def capabilities(self):
            def declared(what):
                return {p['name']: p['type'] for p in self._service[what]}
            return dict(self._service, inputs=declared('inputParameterDefinitions'), outputs=declared('outputParameterDefinitions'),
                        swagger='%s/api/%s/%s/swagger.json' % (self._address, self.name, self.version))

        def swagger(self, json=True):
            doc = host('swagger', name=self.name, v=self.version)
            return doc['text'] if json else doc['parsed']

        def batch(self, records, parallelCount=10):
            return Batch(self, None, records, parallelCount)

        def getBatch(self, id):
            return Batch(self, _text(id, 'id'))

        def getBatchExecutions(self):
            return host('listBatches', name=self.name, v=self.version)['ids']

        def __repr__(self):
            s = self.capabilities()
            words = ''.join(w[:1].upper() + w[1:] for w in ''.join(c if c.isalnum() else ' ' for c in self.name).split())
            args = ', '.join(self._inputs)
            functions = [n for n in ('consume', s['operationId']) if n and hasattr(self, n)]
            return '\n'.join(
                ['<%sApi>' % words, 'name: ' + self.name, 'description: ' + (s['description'] or ''), 'version: ' + self.version,
                 'date: ' + s['creationTime'], 'snapshotId: ' + (s['snapshotId'] or ''), 'inputs:']
                + ['  %s: %s' % p for p in s['inputs'].items()] + ['outputs:'] + ['  %s: %s' % p for p in s['outputs'].items()]
                + ['operationId: ' + s['operationId'], 'swagger: ' + s['swagger'], 'public-functions:']
                + ['  %s: %s(%s)' % (n, n, args) for n in dict.fromkeys(functions)]
                + ['  capabilities: capabilities()', '  swagger: swagger(json=True)', '  batch: batch(records, parallelCount=10)',
                   '  getBatch: getBatch(id)', '  getBatchExecutions: getBatchExecutions()'])

    class Response:
        """What a call came to. The output of code that failed is its error."""

        def __init__(self, r):
            self.__dict__.update(r)
            self.outputs = self.outputParameters

        def output(self, name):
            if not self.success:
                raise RuntimeError(self.errorMessage)
            if name not in self.outputs:
                raise KeyError('there is no output %r but %s' % (name, ', '.join(map(repr, self.outputs))))
            return self.outputs[name]

        def artifact(self, name):
            return self.artifacts.get(name)

        def __repr__(self):
            return '<Response>\nsuccess: %s\nerrorMessage: %s\nconsoleOutput: %s\noutputs: %s' % (
                self.success, self.errorMessage, self.consoleOutput, self.outputs)

    class Batch:
        """Many calls of a service in the background. Rows are counted from 0."""

        class STATE:
            pending, ready, inProgress, complete, failed = 'Pending', 'Ready', 'InProgress', 'Complete', 'Failed'

        def __init__(self, api, id, records=None, parallelCount=10):
            self._api, self._id, self._records, self._parallel = api, id, records, parallelCount

        def _host(self, function, **args):
            if self._id is None:
                raise RuntimeError('the batch is not started: use start()')
            return host(function, name=self._api.name, v=self._api.version, id=self._id, **args)

        def start(self):
            if self._id is not None:
                raise RuntimeError('the batch is started already')
            self._id = host('startBatch', name=self._api.name, v=self._api.version, records=self._records,
                            parallelCount=self._parallel)['id']
            return self

        def id(self):
            return self._id

        def cancel(self):
            self._host('cancelBatch')
            return self

        def results(self, showPartialResults=True):
            return BatchResult(self._host('batchResults', partial=bool(showPartialResults)))

        def listArtifacts(self, index):
            return self._host('batchFiles', row=index)['names']

        def artifact(self, index, fileName):
            return self._host('batchFile', row=index, file=fileName)['content'] if fileName in self.listArtifacts(index) else None

        def download(self, index, fileName=None, dest='.'):
            if fileName is None:
                return self._host('downloadBatch', row=index, dir=os.path.abspath(dest))['paths']
            content = self.artifact(index, fileName)
            if content is None:
                raise FileNotFoundError('row %d has no file %r' % (index, fileName))
            path = os.path.join(dest, os.path.basename(fileName))
            with open(path, 'wb') as f:
                f.write(content)
            return [path]

    class BatchResult:
        def __init__(self, r):
            self._executions = list(r.pop('executions').values())
            self.__dict__.update(r)

        def execution(self, index):
            if not 0 <= index < len(self._executions):
                raise IndexError('there is no row %d: they are counted from 0 to %d' % (index, len(self._executions) - 1))
            return Response(self._executions[index]) if self._executions[index] else None

        def __repr__(self):
            return '<BatchResult>\nstate: %s\ncompletedItemCount: %d\ntotalItemCount: %d' % (
                self.state, self.completedItemCount, self.totalItemCount)

    return {k: v for k, v in locals().items() if k[0] != '_' and inspect.isfunction(v)}


def install_mrsdeploy():
    module = types.ModuleType('mrsdeploy', "mrsdeploy's functions")
    for name, value in mrsdeploy_functions().items():
        value.__module__ = 'mrsdeploy'
        setattr(module, name, value)
        setattr(builtins, name, value)
    sys.modules['mrsdeploy'] = module

    def script(file, code):
        """Runs a script as Python does: expressions do not print their values."""
        sys.argv[0] = ns['__file__'] = file
        sys.path[0] = os.path.dirname(os.path.abspath(file))
        linecache.cache[file] = (len(code), None, code.splitlines(True), file)
        exec(compile(code, file, 'exec', dont_inherit=True), ns)
    ns['__mrsdeploy_script__'] = script


install_mrsdeploy()
