/* tests/posix/own_plain.c - of own.c: functions of the program's that happen to have the name of
 * one of POSIX, where nothing declares that; and environ, which programs declare themselves.
 */
int connect(int left, int right);
long send(int left, int right);
extern char **environ;
char **own_environment(void);
int own_connect(void);
long own_send(void);

int connect(int left, int right)
{
    return left * 10 + right;
}

long send(int left, int right)
{
    return left * 10 + right;
}

int own_connect(void)
{
    return connect(1, 2);
}

long own_send(void)
{
    return send(3, 4);
}

char **own_environment(void)
{
    return environ;
}
