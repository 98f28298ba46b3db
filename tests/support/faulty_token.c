/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module in front of SoftHSM that fails as the file in $FAULTY_TOKEN says, one word, which is read at each call: locked, incorrect, final (one
 * try of the PIN is left), hang (a signature takes 30 s, or until the word changes), removed, or none. $FAULTY_TOKEN_BEHIND is the path of SoftHSM.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_MS = 30000, LOOK_MS = 50 };

static CK_FUNCTION_LIST *behind, faulty;

static bool says(const char *word)
{
    char text[32] = "";
    const char *path = getenv("FAULTY_TOKEN");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return strcmp(text, word) == 0;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = says("removed") ? CKR_TOKEN_NOT_PRESENT : behind->C_GetTokenInfo(slot, info);
    if (rv == CKR_OK && says("final"))
        info->flags |= CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW;
    if (rv == CKR_OK && says("locked"))
        info->flags |= CKF_USER_PIN_LOCKED;
    return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    return says("removed") ? CKR_DEVICE_REMOVED : behind->C_OpenSession(slot, flags, app, notify, session);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, unsigned long n)
{
    if (says("locked"))
        return CKR_PIN_LOCKED;
    if (says("incorrect"))
        return CKR_PIN_INCORRECT;
    return says("removed") ? CKR_DEVICE_REMOVED : behind->C_Login(session, user, pin, n);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return says("removed") ? CKR_DEVICE_REMOVED : behind->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, unsigned long n_data, unsigned char *signature, unsigned long *n)
{
    for (int waited = 0; waited < HANG_MS && says("hang"); waited += LOOK_MS)
        usleep(LOOK_MS * 1000);
    return says("removed") ? CKR_DEVICE_REMOVED : behind->C_Sign(session, data, n_data, signature, n);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    const char *path = getenv("FAULTY_TOKEN_BEHIND");
    void *module = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    if (module != NULL)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&behind) != CKR_OK)
        return CKR_GENERAL_ERROR;
    faulty = *behind;
    faulty.C_GetFunctionList = C_GetFunctionList;
    faulty.C_GetTokenInfo = get_token_info;
    faulty.C_OpenSession = open_session;
    faulty.C_Login = login;
    faulty.C_SignInit = sign_init;
    faulty.C_Sign = sign;
    *list = &faulty;
    return CKR_OK;
}
