import { fill, readError } from 'c/page';

describe('c-page', () => {
    it('reads what a controller tells', () => {
        const body = { message: '{"message":"Wrong.","nextStep":"Mend it.","field":"endpoint"}' };
        expect(readError({ body })).toEqual({ message: 'Wrong.', nextStep: 'Mend it.', field: 'endpoint' });
    });

    it.each([
        ['a text of the platform', { body: { message: 'System.NullPointerException: line 3' } }],
        ['JSON of somebody else', { body: { message: '[1]' } }],
        ['no body', new Error('Network')],
        ['nothing', undefined]
    ])('shows no developer words for %s', (_name, error) => {
        expect(readError(error).message).toBe('c.Page_Failed');
        expect(readError(error).nextStep).toBe('c.Page_Failed_Step');
    });

    it('fills in texts, also those with a dollar sign', () => {
        expect(fill('{0} of {1}', 3, '$&')).toBe('3 of $&');
        expect(fill('{0}.', null)).toBe('.');
    });
});
