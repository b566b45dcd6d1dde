// A browser of few words: follows a login and an approval page as a person would, by their forms alone.

const STEPS = 6;

/**
 * Opens an authorization address, logs in and approves; answers the address the person is sent back to.
 * With `decide: 'deny'` access is denied instead.
 */
export async function authorize(address, { username, password, callback, decide = 'allow' }) {
  const cookies = new Map();
  let request = { url: address, method: 'GET' };
  for (let step = 0; step < STEPS; step += 1) {
    const response = await fetch(request.url, {
      method: request.method,
      body: request.body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get('location');
    if (location) {
      const target = new URL(location, request.url);
      if (target.href.startsWith(callback)) return target;
      request = { url: target.href, method: 'GET' };
      continue;
    }
    const page = await response.text();
    if (!response.ok) throw new Error(`the authorization page answered ${response.status}: ${page.slice(0, 200)}`);
    request = submit(page, request.url, { username, password, decide });
  }
  throw new Error('the authorization pages never lead back to the callback');
}

function submit(page, base, { username, password, decide }) {
  const form = page.match(/<form\b([^>]*)>([\s\S]*?)<\/form>/i);
  if (!form) throw new Error(`a page without a form: ${page.slice(0, 200)}`);
  const fields = new URLSearchParams();
  for (const [, tag] of form[2].matchAll(/<input\b([^>]*)>/gi)) {
    const name = attribute(tag, 'name');
    const type = (attribute(tag, 'type') ?? 'text').toLowerCase();
    if (!name || type === 'submit') continue;
    if (type === 'password') fields.set(name, password);
    else if (/^(un|username|user|login)$/i.test(name)) fields.set(name, username);
    else if (type !== 'checkbox' || /\bchecked\b/i.test(tag)) fields.append(name, attribute(tag, 'value') ?? '');
  }
  for (const [, tag, content] of form[2].matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)) {
    const name = attribute(tag, 'name');
    if (name) fields.set(name, content.includes(username) ? username : '');
  }
  const buttons = [...form[2].matchAll(/<(button|input)\b([^>]*)>/gi)]
    .map(([, element, tag]) => ({ element, tag }))
    .filter(({ element, tag }) => element.toLowerCase() === 'button' || /type="?submit/i.test(tag));
  const wanted = decide === 'deny' ? /deny/i : /allow|approve/i;
  const button = buttons.find(({ tag }) => wanted.test(tag));
  if (button && attribute(button.tag, 'name')) {
    fields.set(attribute(button.tag, 'name'), attribute(button.tag, 'value') ?? '');
  }
  const url = new URL(unescape(attribute(form[1], 'action') || base), base);
  if ((attribute(form[1], 'method') ?? 'get').toLowerCase() === 'get') {
    url.search = fields.toString();
    return { url: url.href, method: 'GET' };
  }
  return { url: url.href, method: 'POST', body: fields };
}

function attribute(tag, name) {
  const match = tag.match(new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  return match ? unescape(match[1] ?? match[2] ?? match[3]) : undefined;
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, (whole, entity) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16));
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)));
    return named[entity] ?? whole;
  });
}
