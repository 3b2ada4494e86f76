package mrsdeploy

import (
	"slices"
	"testing"

	"github.com/mlserver-go/mls/wrapper/devserver/runtimes"
)

const (
	loginPython     = `remoteLogin(SERVER, username="admin", password=PASSWORD, diff=False, session=True, commandline=False)`
	loginOnlyPython = `remoteLogin(SERVER, username="admin", password=PASSWORD, session=False)`
)

// TestPythonStates goes through the three states of a login.
func TestPythonStates(t *testing.T) {
	l := localSide(t, runtimes.Python)
	l.prints("import mrsdeploy\nfrom mrsdeploy import remoteLogin", "")
	l.answers = []string{"admin", password}
	l.prints(`remoteLogin(SERVER)`, "")
	if want := []string{"Username: ", "Password: (hidden)"}; !slices.Equal(l.asked, want) {
		t.Errorf("asked %q, want %q", l.asked, want)
	}
	if c := l.Connection(); !c.Remote || c.Session == nil {
		t.Errorf("connection %+v", c)
	}
	l.prints("pause()\ny = 10\nputLocalObject(['y'])\nresume()", "")
	r, err := l.Connection().Session.Execute(t.Context(), "print(y + 1)", execution)
	if err != nil || r.Console != "11\n" {
		t.Errorf("there: %+v, %v", r, err)
	}
	l.prints("remoteLogout()\nremoteLogout()", "")
	if l.Connection().Client != nil || sessions(t) != 0 {
		t.Error("remoteLogout() left something behind")
	}
	l.run(loginPython)
	l.prints("import math\nd = [0.1, 1/3, 5e-324, math.inf, 2**70]\ndef f(a): return a + 1\n\nwas = d\nputLocalObject(['d', 'f'])\ndel d\ngetRemoteObject('d')\nd == was", "True\n")
	l.prints("putLocalObject('d', name='both'); putLocalObject('y', name='both'); getRemoteObject('both'); sorted(both)", "['d', 'y']\n")
	l.fails("putLocalObject('nosuch')", "NameError: name 'nosuch' is not defined\n")
	l.fails("g = (i for i in [1])\nputLocalObject('g')", "TypeError: object g cannot be serialized: cannot pickle 'generator' object\n")
	l.fails("getRemoteObject('nosuch')", "has no object nosuch")
	l.prints("remoteExecute('x = 5; x', outputs=['x']).outputParameters", "5\n{'x': 5}\n")
	l.matches("r = remoteExecute('1/0'); r.success, r.errorMessage", `Traceback (?s:.*)ZeroDivisionError: division by zero\n\(False, 'ZeroDivisionError: division by zero'\)\n`)
	l.prints("open('data.txt', 'w').write('é') and None\nputLocalFile('data.txt'), listRemoteFiles(), getRemoteFile('data.txt'), deleteRemoteFile('data.txt')", "(True, ['data.txt'], 'é', True)\n")
	l.prints("id = createSnapshot('mine'); loadSnapshot(id), downloadSnapshot(id)[:2], deleteSnapshot(id)", "(True, b'PK', True)\n")
	l.prints("open('script.py', 'w').write('print(6 * 7)') and None\nremoteScript('script.py').success; remoteScript('script.py', async_=True).wait().success", "42\nTrue\n42\nTrue\n")
	l.prints("diffLocalRemote()", "Python and its packages are the same here and on the server.\n")
	l.run(loginOnlyPython)
	l.fails("resume()", "RuntimeError: there is no remote session")
}

// TestPythonServices are the examples of the articles, in Python.
func TestPythonServices(t *testing.T) {
	l := localSide(t, runtimes.Python)
	cleanUp(t, "add-one", "TxService", "attitude")
	l.run(loginOnlyPython)
	l.run("def addOne(x):\n    return x + 1\n\n")
	l.prints(`api = publishService("add-one", code=addOne, inputs={"x": "numeric"}, outputs={"answer": "numeric"})`, "")
	l.prints("res = api.addOne(100)\nprint(res.output('answer'))\napi.consume(x=0.1).output('answer') == 0.1 + 1", "101.0\nTrue\n")
	l.run(`listServices("add-one")[0]["code"] == "def addOne(x):\n    return x + 1\n\n\nanswer = addOne(x)" or 1/0`)

	// Least squares by hand: the article's rx_lin_mod is not to be had.
	l.run(`import pandas as pd
hp_wt = pd.DataFrame({'hp': [110, 110, 93], 'wt': [2.62, 2.875, 2.32]})
cars_model = {'intercept': 1.54742972480191, 'hp': 0.00273827865411195, 'wt': -0.47955582403511}
def init():
    import pandas as pd

def manualTransmission(hp, wt):
    import pandas as pd
    answer = pd.DataFrame({'am_Pred': [cars_model['intercept'] + cars_model['hp'] * hp + cars_model['wt'] * wt]})
    answer.to_csv('answer.csv')
    return answer

api = publishService("TxService", code=manualTransmission, init=init, model=cars_model, v="1.0", artifacts=['answer.csv'],
    inputs={'hp': float, 'wt': float}, outputs={'answer': pd.DataFrame}, alias='manualTransmission')`)
	l.matches("api", `<TxServiceApi>\nname: TxService\ndescription: \nversion: 1.0\ndate: \S+\nsnapshotId: [0-9a-f-]+\ninputs:\n  hp: numeric\n  wt: numeric\noutputs:\n  answer: data.frame\n`+
		`operationId: manualTransmission\nswagger: http://\S+/api/TxService/1.0/swagger.json\npublic-functions:\n  consume: consume\(hp, wt\)\n  manualTransmission: manualTransmission\(hp, wt\)\n(?s:.*)\n`)
	l.prints("res = api.manualTransmission(120, 2.8); res.output('answer'); res.artifact('answer.csv').decode().splitlines()[0]", "    am_Pred\n0  0.533267\n',am_Pred'\n")
	l.prints(`batch = api.batch(hp_wt, parallelCount=2).start()
import time
while batch.results().state not in (batch.STATE.complete, batch.STATE.failed): time.sleep(0.05)

r = batch.results()
r.totalItemCount, [round(r.execution(i).output('answer')['am_Pred'][0], 6) for i in range(3)], batch.listArtifacts(0)`,
		"(3, [0.592204, 0.469917, 0.68952], ['answer.csv'])\n")
	l.prints("batch.artifact(0, 'answer.csv')[:8]; batch.id() in api.getBatchExecutions()\nb = batch.cancel()", "b',am_Pred'\nTrue\n")
	l.prints(`getService("TxService").version; api = updateService("TxService", "1.0", descr="again"); api.capabilities()["description"]`, "'1.0'\n'again'\n")
	l.prints(`deleteService("TxService", "1.0")`, "'Service TxService version 1.0 deleted.'\n")
	l.fails(`getService("TxService", "1.0")`, "RuntimeError: No service found for \"TxService\" version \"1.0\"\n")
	l.fails(`publishService("x", code=lambda x: x)`, "TypeError: code must be a function with a name, not a lambda\n")
	l.fails(`publishService("x")`, "ValueError: code is needed")
	l.fails("api = getService('add-one')\napi.consume('a')", `RuntimeError: service add-one/`)
}
