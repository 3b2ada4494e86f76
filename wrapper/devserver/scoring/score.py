# Scores a realtime service's model, which is there as "model".
if not callable(getattr(model, 'predict', None)) or isinstance(model, type):
    raise TypeError('an object of type %s has no method predict' % type(model).__name__)


def _mls_name():
    """The response's name with _Pred, as revoscalepy names its predictions; most models don't know it, then just Pred."""
    response = getattr(getattr(model, 'model', None), 'endog_names', None)  # statsmodels
    return response + '_Pred' if isinstance(response, str) else 'Pred'


def _mls_score(data):
    import numpy
    import pandas
    if len(data) == 0:  # most models want a row
        return pandas.DataFrame({_mls_name(): []})
    names = getattr(model, 'feature_names_in_', None)
    if names is not None:  # scikit-learn wants exactly these, in this order
        missing = [n for n in names if n not in data.columns]
        if missing:
            raise ValueError('inputData lacks the columns %s' % ', '.join(missing))
        data = data[list(names)]
    elif hasattr(model, 'n_features_in_'):  # it was fitted without names
        data = data.to_numpy()
    p = model.predict(data)
    if isinstance(p, pandas.DataFrame):
        return p
    name = _mls_name()
    if isinstance(p, pandas.Series) and p.name is not None:
        name = str(p.name)
    p = numpy.asarray(p)
    if p.ndim == 2 and p.shape[1] != 1:
        return pandas.DataFrame(p, columns=['%s.%d' % (name, i + 1) for i in range(p.shape[1])])
    return pandas.DataFrame({name: p.reshape(len(p))})
