// Does with Checkout.com's own client what a merchant does, and prints what came of it as JSON.
//
// One argument, in JSON: `modules` (where the client is), `base` (the API), `control` (where webhooks are switched),
// `secretKey`, `publicKey`, `channel`, `webhookKey`, `webhookAuthorization`.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const given = JSON.parse(process.argv[2]);
const client = createRequire(`${given.modules}/`).resolve('checkout-sdk-node');
const { Checkout } = await import(pathToFileURL(client));
// It says Bearer before a secret key by itself, before a public key since version 5 no more; the API reference does.
const publicKey = `Bearer ${given.publicKey}`;
const checkout = new Checkout(given.secretKey, { pk: publicKey, host: given.base });

// Nobody waits longer than this.
setTimeout(() => process.exit(3), 120_000).unref();

async function until(what, ask) {
  for (let tries = 0; tries < 400; tries += 1) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`${what}: not in time`);
}

// As the documentation of webhooks says: HMAC-SHA256 of the raw bytes, in hex.
function isSigned(request, body) {
  const expected = createHmac('sha256', given.webhookKey).update(body).digest();
  const shown = Buffer.from(request.headers['cko-signature'] ?? '', 'hex');
  const same = shown.length === expected.length && timingSafeEqual(shown, expected);
  return same && request.headers.authorization === given.webhookAuthorization;
}

async function listen(events) {
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const event = JSON.parse(body);
      events.push({ type: event.type, reference: event.data.reference, signed: isSigned(request, body) });
      response.end();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const switched = await fetch(given.control, {
    method: 'POST',
    body: JSON.stringify({ webhook_url: `http://127.0.0.1:${server.address().port}/` }),
  });
  if (!switched.ok) throw new Error(await switched.text());
  return server;
}

function token() {
  const card = { number: '4242424242424242', expiry_month: 5, expiry_year: 2030, cvv: '100' };
  return checkout.tokens.request(card);
}

function asked(source, reference) {
  return {
    source,
    amount: 10580,
    currency: 'SAR',
    capture: false,
    reference,
    processing_channel_id: given.channel,
  };
}

async function decided(payment, type) {
  const actions = await until(type, async () => {
    const all = await checkout.payments.getActions(payment);
    return all.find((action) => action.type === type && action.approved) && all;
  });
  return actions.map((action) => action.type);
}

// What the client makes of a refusal.
async function refusal(call) {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    const codes = error.body?.error_codes ?? [];
    return [error.name, ...codes].join(' ');
  }
}

// Reserved, taken and sent back; twice under one key.
async function takenAndSentBack() {
  const body = asked({ type: 'token', token: (await token()).token }, 'SDK-TAKEN');
  const first = await checkout.payments.request(body, 'sdk-taken-pay');
  const again = await checkout.payments.request(body, 'sdk-taken-pay');
  const capture = { amount: 10580, reference: 'SDK-TAKEN' };
  const captured = await checkout.payments.capture(first.id, capture, 'sdk-taken-capture');
  await decided(first.id, 'Capture');
  const refund = { amount: 4000, reference: 'SDK-BACK' };
  const refunded = await checkout.payments.refund(first.id, refund, 'sdk-taken-refund');
  const actions = await decided(first.id, 'Refund');
  const details = await checkout.payments.get(first.id);
  const list = await checkout.payments.getPaymentList({ limit: 10, skip: 0, reference: 'SDK-TAKEN' });
  return {
    made: [first.status, first.approved, first.requiresRedirect],
    again: again.id === first.id,
    accepted: [captured, refunded].map((it) => /^act_\w{26}$/.test(it.action_id)),
    actions,
    details: [details.status, details.amount, details.currency, details.balances.available_to_refund],
    list: [list.total_count, list.data[0].id === first.id],
  };
}

// A saved card, reserved and let go; then it is forgotten.
async function savedAndLetGo() {
  const card = await checkout.instruments.create({ type: 'token', token: (await token()).token });
  const shown = await checkout.instruments.get(card.id);
  const body = asked({ type: 'id', id: card.id }, 'SDK-SAVED');
  const made = await checkout.payments.request(body, 'sdk-saved-pay');
  await checkout.payments.void(made.id, { reference: 'SDK-GONE' }, 'sdk-saved-void');
  await decided(made.id, 'Void');
  const details = await checkout.payments.get(made.id);
  await checkout.instruments.delete(card.id);
  return {
    card: [shown.id === card.id, shown.last4, shown.scheme],
    details: details.status,
    late: await refusal(() => checkout.payments.capture(made.id, { reference: 'SDK-LATE' })),
    forgotten: await refusal(() => checkout.instruments.get(card.id)),
  };
}

// 3-D Secure: the customer is sent to a page that is there.
async function challenged() {
  const body = asked({ type: 'token', token: (await token()).token }, 'SDK-ASKED');
  const made = await checkout.payments.request({ ...body, '3ds': { enabled: true } });
  const page = await fetch(made.redirectLink);
  return { made: [made.status, made.requiresRedirect], page: page.status };
}

async function refusals() {
  const used = { type: 'token', token: (await token()).token };
  await checkout.payments.request(asked(used, 'SDK-USED'));
  const stranger = new Checkout(`sk_sbox_${'b'.repeat(26)}=`, { host: given.base });
  return {
    used: await refusal(() => checkout.payments.request(asked(used, 'SDK-USED-AGAIN'))),
    unknown: await refusal(() => checkout.payments.get(`pay_${'a'.repeat(26)}`)),
    stranger: await refusal(() => stranger.payments.get(`pay_${'a'.repeat(26)}`)),
  };
}

const events = [];
const server = await listen(events);
const seen = {
  taken: await takenAndSentBack(),
  saved: await savedAndLetGo(),
  challenged: await challenged(),
  refusals: await refusals(),
};
const told = (type) => events.some((event) => event.type === type);
await until('the events', () => told('payment_refunded') && told('payment_voided'));
seen.events = events;
server.close();
server.closeAllConnections();
console.log(JSON.stringify(seen));
