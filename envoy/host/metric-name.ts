// Names of metrics with labels. Modules write them as Istio's proxies read them: `fim.a.one=.=x;.;other=.=y;.;b_total`.

const LABEL = /([a-z]+)=\.=(.*?);\.;/g;

/** A name of the module as `fim.a.b_total{one=x,other=y}`. Names without labels stay as they are. */
export function labelledName(name: string): string {
  if (!name.includes('=.=')) return name;
  const labels = [...name.matchAll(LABEL)].map(([, label, value]) => `${label}=${value}`);
  return labels.length === 0 ? name : `${name.replace(LABEL, '')}{${labels.join(',')}}`;
}
